package kimberley.example;

import io.apicurio.registry.resolver.ParsedSchema;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.resolver.strategy.ArtifactReferenceResolverStrategy;
import io.apicurio.registry.serde.data.KafkaSerdeRecord;
import org.apache.avro.Schema;

/**
 * Finds schemas where the pipeline registers them: under topic and full record name, such as {@code certificates-kp.CertificateIssued}.
 * Apicurio's own TopicRecordIdStrategy looks in a group named as the record's namespace, where the Confluent API puts nothing.
 */
public class SubjectByTopicAndRecord implements ArtifactReferenceResolverStrategy<Schema, Object> {

    @Override
    public ArtifactReference artifactReference(Record<Object> data, ParsedSchema<Schema> schema) {
        String topic = ((KafkaSerdeRecord<Object>) data).metadata().getTopic();
        return ArtifactReference.builder().groupId("default").artifactId(topic + "-" + schema.getParsedSchema().getFullName()).build();
    }
}
