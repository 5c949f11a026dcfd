import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import org.openapitools.client.ApiClient;
import org.openapitools.client.model.ThirdPartyApplicationPatchRequest;

/** What generated types send: what was set, and no list or map that nobody set, which would clear what the service has. */
class Patches {
  static final ObjectMapper JSON = ApiClient.createDefaultObjectMapper();
  static final String MODELS = "org.openapitools.client.model";

  static void same(JsonNode sent, JsonNode wanted, String schema) {
    if (!sent.equals(wanted)) {
      throw new AssertionError(schema + " sends " + sent + " instead of " + wanted);
    }
  }

  /** The arguments: patches.json, and the folder of the compiled classes. */
  public static void main(String[] arguments) throws Exception {
    var patches = JSON.readTree(Path.of(arguments[0]).toFile());
    for (var patch : patches) {
      var schema = patch.get("schema").asText();
      var typed = JSON.convertValue(patch.get("body"), Class.forName(MODELS + "." + schema));
      same(JSON.readTree(JSON.writeValueAsString(typed)), patch.get("body"), schema);
    }
    var patch = new ThirdPartyApplicationPatchRequest().id("TPA1").name("New name");
    same(JSON.readTree(JSON.writeValueAsString(patch)), patches.get(0).get("body"), "ThirdPartyApplicationPatchRequest");

    var count = 0;
    try (var files = Files.list(Path.of(arguments[1], MODELS.replace('.', '/')))) {
      for (var file : files.toList()) {
        var name = file.getFileName().toString();
        if (!name.endsWith("Request.class")) {
          continue;
        }
        var type = Class.forName(MODELS + "." + name.substring(0, name.length() - ".class".length()));
        if (type.isEnum() || Modifier.isAbstract(type.getModifiers())) {
          continue;
        }
        var empty = JSON.readTree(JSON.writeValueAsString(type.getDeclaredConstructor().newInstance()));
        for (var member : empty) {
          if (member.isContainerNode()) {
            throw new AssertionError(name + " sends " + empty + " though nothing was set");
          }
        }
        count++;
      }
    }
    if (count < 100) {
      throw new AssertionError("only " + count + " request classes in " + arguments[1]);
    }
    System.out.println("java: " + patches.size() + " bodies hold what was set, and " + count + " empty ones no container");
  }
}
