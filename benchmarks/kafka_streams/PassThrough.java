import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The limit: Kafka Streams looks a case up, stores the event in its place (RocksDB, changelog on) and passes it through. It decodes
 * nothing and judges nothing; one thread, at least once, everything else as it comes.
 *
 * <p>Run: java -cp "jars/*" PassThrough.java BROKERS FOLDER OUTPUT INPUT…
 */
public final class PassThrough {
  private static final String CASES = "cases";

  public static void main(String[] arguments) {
    Properties settings = new Properties();
    settings.put("application.id", "streams");
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("state.dir", arguments[1]);
    settings.put("num.stream.threads", 1);
    settings.put("consumer.auto.offset.reset", "earliest");
    Serde<byte[]> bytes = Serdes.ByteArray();
    StreamsBuilder builder = new StreamsBuilder();
    builder.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore(CASES), bytes, bytes).withLoggingEnabled(Map.of()));
    builder
        .stream(List.of(arguments).subList(3, arguments.length), Consumed.with(bytes, bytes))
        .process(Keep::new, CASES)
        .to(arguments[2], Produced.with(bytes, bytes));
    KafkaStreams streams = new KafkaStreams(builder.build(), settings);
    Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
    streams.start();
  }

  private static final class Keep implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<byte[], byte[]> cases;

    @Override
    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      cases = given.getStateStore(CASES);
    }

    @Override
    public void process(Record<byte[], byte[]> event) {
      cases.get(event.key());
      cases.put(event.key(), event.value());
      context.forward(event);
    }
  }
}
