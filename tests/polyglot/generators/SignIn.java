import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.ManagementUserApi;
import org.openapitools.client.api.OtpApi;
import org.openapitools.client.model.OtpSignUpEmailRequest;
import org.openapitools.client.model.OtpVerifyRequest;

/** A client generated from the bundle signs a user in by one-time code and loads that user with the management key. */
class SignIn {
  static final String BASE_URL = System.getenv("EMULATOR_BASE_URL");
  static final String PROJECT_ID = System.getenv("EMULATOR_PROJECT_ID");
  static final String MANAGEMENT_KEY = System.getenv("EMULATOR_MANAGEMENT_KEY");
  static final String LOGIN_ID = "java-generated@example.com";

  /** A client with this bearer: the project id, joined by what else the operation asks for. */
  static ApiClient client(String bearer) {
    var client = new ApiClient();
    client.updateBaseUri(BASE_URL);
    return client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + bearer));
  }

  static String codeOf(String address) throws Exception {
    var inbox = URI.create(BASE_URL + "/_emulator/inbox?wait=5&to=" + address);
    var answer = HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(inbox).build(), HttpResponse.BodyHandlers.ofString());
    return new ObjectMapper().readTree(answer.body()).at("/messages/0/code").asText();
  }

  public static void main(String[] arguments) throws Exception {
    var otp = new OtpApi(client(PROJECT_ID));
    otp.otpSignUpEmail(new OtpSignUpEmailRequest().loginId(LOGIN_ID));
    var session = otp.otpVerifyEmail(new OtpVerifyRequest().loginId(LOGIN_ID).code(codeOf(LOGIN_ID)), null, null);

    var users = new ManagementUserApi(client(PROJECT_ID + ":" + MANAGEMENT_KEY));
    var loaded = users.managementUserLoad(null, LOGIN_ID, null);
    if (!loaded.getUser().getUserId().equals(session.getUser().getUserId())) {
      throw new AssertionError("another user was loaded than the one who signed in");
    }
    System.out.println("java: a generated client signs in and loads the user");
  }
}
