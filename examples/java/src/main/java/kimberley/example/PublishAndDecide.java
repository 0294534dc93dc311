package kimberley.example;

import io.apicurio.registry.rest.client.RegistryClient;
import io.apicurio.registry.rest.client.RegistryClientFactory;
import io.apicurio.registry.serde.SerdeConfig;
import io.apicurio.registry.serde.avro.AvroKafkaDeserializer;
import io.apicurio.registry.serde.avro.AvroKafkaSerializer;
import java.io.InputStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import org.apache.avro.Conversions.DecimalConversion;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions.DateConversion;
import org.apache.avro.data.TimeConversions.TimestampMillisConversion;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.GenericRecordBuilder;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Publishes that a certificate was issued, waits for the pipeline's decision, and prints it. Exit status 1: no decision came in time. */
public final class PublishAndDecide {

    private static final String CERTIFICATES = "certificates";
    private static final String DECISIONS = "decisions";

    private PublishAndDecide() {}

    public static void main(String[] arguments) throws Exception {
        String brokers = setting("BOOTSTRAP_SERVERS", "127.0.0.1:9092");
        String registry = setting("REGISTRY_URL", "http://127.0.0.1:8080/apis/registry/v2");
        Duration patience = Duration.ofSeconds(Long.parseLong(setting("PATIENCE_SECONDS", "60")));
        String number = arguments.length > 0 ? arguments[0] : "BW%06d".formatted(ThreadLocalRandom.current().nextInt(1_000_000));

        // from here on Avro's decimals, dates and instants are BigDecimal, LocalDate and Instant; without this they are bytes and numbers
        GenericData.get().addLogicalTypeConversion(new DecimalConversion());
        GenericData.get().addLogicalTypeConversion(new DateConversion());
        GenericData.get().addLogicalTypeConversion(new TimestampMillisConversion());

        GenericRecord event = certificateIssued(schemaOf(registry, CERTIFICATES + "-kp.CertificateIssued"), number);
        String eventId = event.get("event_id").toString();
        try (KafkaConsumer<String, GenericRecord> consumer = new KafkaConsumer<>(consumerSettings(brokers, registry));
                KafkaProducer<String, GenericRecord> producer = new KafkaProducer<>(producerSettings(brokers, registry))) {
            standAtTheEnd(consumer, DECISIONS);
            // the key is the certificate number: it keeps a certificate's events in order, in one partition
            producer.send(new ProducerRecord<>(CERTIFICATES, number, event)).get();
            GenericRecord decision = decisionOn(consumer, eventId, patience);
            if (decision == null) {
                System.err.printf("no decision on event %s within %d s: does a worker run, or is the event among the dead letters?%n", eventId, patience.toSeconds());
                System.exit(1);
            }
            System.out.println(inOneLine(decision));
        }
    }

    /** The event as a border system would fill it in. Fields that are not set keep the schema's defaults. */
    private static GenericRecord certificateIssued(Schema schema, String number) {
        // the authority's own date, by its offset from UTC, is the date that rules compare
        int offsetMinutes = 120;
        Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
        LocalDate today = now.atOffset(ZoneOffset.ofTotalSeconds(offsetMinutes * 60)).toLocalDate();
        // as many decimal places as the schema has: three for carats, two for US dollars
        BigDecimal carats = new BigDecimal("120.500");
        BigDecimal valueUsd = new BigDecimal("24100.00");

        Schema party = record(schema, "exporter");
        Schema parcel = record(schema, "parcels");
        return new GenericRecordBuilder(schema)
                .set("event_id", UUID.randomUUID().toString())
                .set("occurred_at", now)
                .set("utc_offset_minutes", offsetMinutes)
                .set("authority", "BW")
                .set("certificate_number", number)
                .set("issued_on", today)
                .set("expires_on", today.plusDays(60))
                .set("destination", "EU")
                .set("exporter", new GenericRecordBuilder(party).set("name", "Exporter One Ltd").build())
                .set("importer", new GenericRecordBuilder(party).set("name", "Importer Two NV").build())
                .set("mixed_origin", false)
                .set("origins", List.of("BW"))
                .set("parcels", List.of(new GenericRecordBuilder(parcel)
                        .set("hs_code", "7102.31")
                        .set("carats", carats)
                        .set("value_usd", valueUsd)
                        .build()))
                .set("parcel_count", 1)
                .set("carats", carats)
                .set("value_usd", valueUsd)
                .set("seal_numbers", List.of("S-1"))
                .build();
    }

    /** The record schema of a field, whether the field may be null or holds a list. */
    private static Schema record(Schema schema, String field) {
        Schema found = schema.getField(field).schema();
        if (found.isUnion()) {
            found = found.getTypes().stream().filter(each -> each.getType() != Schema.Type.NULL).findFirst().orElseThrow();
        }
        return found.getType() == Schema.Type.ARRAY ? found.getElementType() : found;
    }

    /** The newest version of a subject's schema. The Confluent API's subjects are in the group "default". */
    private static Schema schemaOf(String registry, String subject) throws Exception {
        try (RegistryClient client = RegistryClientFactory.create(registry);
                InputStream content = client.getLatestArtifact("default", subject)) {
            return new Schema.Parser().parse(content);
        }
    }

    private static Map<String, Object> producerSettings(String brokers, String registry) {
        Map<String, Object> settings = avroSettings(brokers, registry);
        settings.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
        settings.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, AvroKafkaSerializer.class);
        settings.put(SerdeConfig.ARTIFACT_RESOLVER_STRATEGY, SubjectByTopicAndRecord.class);
        // the pipeline's operator registers schemas; a sender only looks up the id of the one that it writes with
        settings.put(SerdeConfig.AUTO_REGISTER_ARTIFACT, false);
        return settings;
    }

    private static Map<String, Object> consumerSettings(String brokers, String registry) {
        Map<String, Object> settings = avroSettings(brokers, registry);
        settings.put(ConsumerConfig.KEY_DESERIALIZER_CLASS_CONFIG, StringDeserializer.class);
        settings.put(ConsumerConfig.VALUE_DESERIALIZER_CLASS_CONFIG, AvroKafkaDeserializer.class);
        // decisions are written in transactions: so read, each is seen once
        settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
        settings.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        return settings;
    }

    private static Map<String, Object> avroSettings(String brokers, String registry) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", brokers);
        settings.put(SerdeConfig.REGISTRY_URL, registry);
        // Confluent framing: a zero byte and four bytes of schema id before the body, not in headers; the id that the Confluent API gives
        settings.put(SerdeConfig.ENABLE_HEADERS, false);
        settings.put(SerdeConfig.ENABLE_CONFLUENT_ID_HANDLER, true);
        settings.put(SerdeConfig.USE_ID, "contentId");
        return settings;
    }

    /** Read all partitions from now on: what is published after this will be seen. */
    private static void standAtTheEnd(KafkaConsumer<?, ?> consumer, String topic) {
        Collection<TopicPartition> partitions =
                consumer.partitionsFor(topic).stream().map(each -> new TopicPartition(topic, each.partition())).toList();
        consumer.assign(partitions);
        consumer.seekToEnd(partitions);
        partitions.forEach(consumer::position);
    }

    /** The decision on an event, found by its header; null when none comes in time. */
    private static GenericRecord decisionOn(KafkaConsumer<String, GenericRecord> consumer, String eventId, Duration patience) {
        Instant deadline = Instant.now().plus(patience);
        while (Instant.now().isBefore(deadline)) {
            for (ConsumerRecord<String, GenericRecord> each : consumer.poll(Duration.ofMillis(500))) {
                Header header = each.headers().lastHeader("kp_event_id");
                if (header != null && eventId.equals(new String(header.value(), StandardCharsets.UTF_8))) {
                    return each.value();
                }
            }
        }
        return null;
    }

    private static String inOneLine(GenericRecord decision) {
        return "%s: certificate %s, event %s; errors: %s; parties: %s; alerts: %d; decided at %s by rulebook %s, reference %s".formatted(
                decision.get("outcome"),
                decision.get("certificate_number"),
                decision.get("event_id"),
                listed(decision, "errors", "%s %s", "field", "message"),
                listed(decision, "participants", "%s %s %s", "role", "code", "status"),
                ((Collection<?>) decision.get("alert_ids")).size(),
                decision.get("decided_at"),
                decision.get("rulebook"),
                decision.get("reference_revision"));
    }

    private static String listed(GenericRecord decision, String field, String form, String... parts) {
        Collection<?> found = (Collection<?>) decision.get(field);
        return found.isEmpty() ? "none" : found.stream()
                .map(GenericRecord.class::cast)
                .map(each -> form.formatted(List.of(parts).stream().map(each::get).toArray()))
                .collect(Collectors.joining(", "));
    }

    private static String setting(String name, String otherwise) {
        String value = System.getenv(name);
        return value == null || value.isBlank() ? otherwise : value;
    }
}
