//! Each language on sources as its SDK writes them, in small.

use super::{
    accepted::Accepted,
    gaps,
    sources::{Language, Package},
    *,
};

/// The requests of one file as text: method, paths, members of body and query.
fn requests(language: Language, source: &str) -> Vec<String> {
    let sources = vec![("source".to_owned(), source.to_owned())];
    let calls = Package { name: "sdk".to_owned(), language, sources }.calls();
    calls.iter().map(written).collect()
}

fn written(call: &Call) -> String {
    let names = |members: &[follow::Member]| {
        members.iter().map(|member| member.path.join(".")).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let mut text = format!("{} {}", call.method.to_ascii_uppercase(), call.paths.join(" or "));
    for (kind, members) in [("body", names(&call.body)), ("query", names(&call.query))] {
        if !members.is_empty() {
            let _ = write!(text, " {kind}: {}", members.join(" "));
        }
    }
    text
}

#[test]
fn go() {
    let source = r#"
package sdk

var Routes = endpoints{
	version: "/v1/",
	auth: authEndpoints{
		verify: "auth/thing/verify", // a comment
		me:     "auth/thing",
	},
}

func (e *endpoints) Verify() string {
	return path.Join(e.version, e.auth.verify)
}

func (e *endpoints) Me() string {
	return path.Join(e.version, e.auth.me)
}

func verifyURL(method Method) string {
	return joinMethod(Routes.Verify(), method)
}

func joinMethod(base string, method Method) string {
	return path.Join(base, string(method))
}

type options struct {
	Stepup bool `json:"stepup,omitempty"`
	hidden bool `json:"-"`
}

type verifyBody struct {
	*common
	Code    string   `json:"code"`
	Options *options `json:"loginOptions,omitempty"`
}

type common struct {
	LoginID string `json:"loginId"`
}

func (t *thing) Verify(ctx context.Context, method Method, id string) error {
	body := verifyBody{Code: "1"}
	_, err := t.client.DoPostRequest(ctx, verifyURL(method), body, nil, "")
	return err
}

func (t *thing) Load(ctx context.Context, id string) error {
	options := &api.HTTPRequest{QueryParams: map[string]string{"id": id}}
	_, err := t.client.DoGetRequest(ctx, Routes.Me(), options, "")
	return err
}

func (t *thing) Save(ctx context.Context, id string) error {
	req := make(id)
	req["extra"] = true
	_, err := t.client.DoPutRequest(ctx, "/v1/mgmt/infra", req, nil, "")
	return err
}

func make(id string) map[string]any {
	return map[string]any{"id": id, "data": map[string]any{"name": id}}
}
"#;
    assert_eq!(
        requests(Language::Go, source),
        [
            "POST /v1/auth/thing/verify/{} body: code loginId loginOptions loginOptions.stepup",
            "GET /v1/auth/thing query: id",
            "PUT /v1/mgmt/infra body: data data.name extra id",
        ]
    );
}

#[test]
fn python() {
    let source = r#"
class Endpoints:
    verify_path = "/v1/auth/thing/verify"
    me_path = "/v1/auth/thing"

class ThingBase:
    @staticmethod
    def _url(method: Method) -> str:
        return Auth.compose_url(Endpoints.verify_path, method)

    @staticmethod
    def _body(
        login_id: str,
        options: dict | None = None,
    ) -> dict:
        """Says "nothing" of {what}."""
        body = {"loginId": login_id, **{"tenant": login_id}}
        if options is not None:
            body["loginOptions"] = {k: v for k, v in options.items()}
        body.update({"more": [{"name": 1}]})
        return body

class Auth:
    def compose_url(base, method):
        return f"{base}/{method.value}"

class Thing(ThingBase):
    def verify(self, method, login_id):
        uri = Thing._url(method)
        return self._http.post(uri, body=self._body(login_id), pswd=None)

    async def load(self, thing_id):
        return await self._http.get(f"{Endpoints.me_path}/{thing_id}", params={"id": thing_id})

    def other(self):
        self.cache.get("/v1/auth/thing")
"#;
    assert_eq!(
        requests(Language::Python, source),
        [
            "POST /v1/auth/thing/verify/{} body: loginId loginOptions more more.name tenant",
            "GET /v1/auth/thing/{} query: id",
        ]
    );
}

#[test]
fn typescript_and_its_minified_bundle_say_the_same() {
    let source = r"
export const apiPaths = {
  thing: { verify: '/v1/auth/thing/verify', update: { email: '/v1/auth/thing/update' } },
  me: 'v1/auth/me',
};
const withThing = (httpClient: HttpClient) => ({
  verify: (loginId: string, code: string): Promise<SdkResponse<JWTResponse>> =>
    transformResponse(httpClient.post(pathJoin(apiPaths.thing.verify, DeliveryMethods.email), { loginId, code })),
  update: (loginId: string, options?: Options) => {
    const { providerId, ...rest } = options;
    return transformResponse(
      httpClient.post(apiPaths.thing.update.email, { loginId, ...rest, users: ids.map((id) => ({ id })) }, { token }),
    );
  },
  me: (tenant: string, token?: string) =>
    transformResponse(httpClient.get(apiPaths.me, { queryParams: { tenant }, token })),
  clear: () => httpClient.delete(`${apiPaths.me}/all`),
  elsewhere: () => cache.get('me', { queryParams: { no: 1 } }),
});
";
    let bundle = r#"var n={thing:{verify:"/v1/auth/thing/verify",update:{email:"/v1/auth/thing/update"}},me:"v1/auth/me"};const $=(...e)=>e.join("/").replace(/\/{2,}/g,"/"),q=(e,t)=>e,W=e=>({verify:(t,o)=>q(e.post($(n.thing.verify,d.email),{loginId:t,code:o})),update:(t,o)=>{const s=x(o,["providerId"]);return q(e.post(n.thing.update.email,Object.assign(Object.assign({loginId:t},s),{users:i.map((e=>({id:e})))}),{token:s}))},me:(t,o)=>q(e.get(n.me,{queryParams:{tenant:t},token:o})),clear:()=>e.delete(`${n.me}/all`)});"#;
    let expected = [
        "POST /v1/auth/thing/verify/{} body: code loginId",
        "POST /v1/auth/thing/update body: loginId users users.id",
        "GET /v1/auth/me query: tenant",
        "DELETE /v1/auth/me/all",
    ];
    assert_eq!(requests(Language::JavaScript, source), expected);
    assert_eq!(requests(Language::JavaScript, bundle), expected);
}

#[test]
fn what_stands_in_a_list_or_picks_from_one_is_no_member() {
    let source = r"
const withThing = (httpClient) => ({
  devices: (userId: string) => httpClient.post('/v1/mgmt/devices', { identifiers: [userId] }),
  create: (name: string, expiration: string) => {
    const expireTime = expiration[0] === '0' ? 0 : Math.floor(later.getTime() / 1000);
    return httpClient.post('/v1/mgmt/create', { name, expireTime });
  },
});
";
    let expected = ["POST /v1/mgmt/devices body: identifiers", "POST /v1/mgmt/create body: expireTime name"];
    assert_eq!(requests(Language::JavaScript, source), expected);
}

#[test]
fn a_wrapper_of_the_client_is_a_request_of_each_of_its_callers() {
    let source = r"
const paths = { one: '/v1/mgmt/one', two: '/v1/mgmt/two' };
const withThing = (httpClient) => {
  const send = (path, body) => httpClient.post(path, body);
  return { first: (a) => send(paths.one, { a }), second: (b) => send(paths.two, { b }) };
};
";
    assert_eq!(requests(Language::JavaScript, source), ["POST /v1/mgmt/one body: a", "POST /v1/mgmt/two body: b"]);
}

#[test]
fn java() {
    let source = r#"
class Routes {
  public static final String VERIFY = "/v1/auth/thing/verify";
  public static final String LOAD = "/v1/mgmt/thing";
}
class ThingServiceImpl extends Base {
  public void verify(Method method, String loginId) {
    VerifyRequest request = new VerifyRequest(loginId, null);
    URI uri = composeVerify(method);
    apiProxy.post(uri, request, JWTResponse.class);
  }
  public void load(String id) {
    getApiProxy().get(getQueryParamUri(LOAD, mapOf("id", id)), Thing.class);
  }
  public void save(String id) {
    Map<String, Object> request = mapOf("id", id);
    request.put("name", id);
    apiProxy.postAndGetArray(getUri(LOAD), request, Thing.class);
  }
  private URI composeVerify(Method method) {
    return getUri(Routes.VERIFY, method.getValue());
  }
  URI getUri(String path) {
    return URI.create(client.getUri() + path);
  }
  URI getUri(String path, String more) {
    return URI.create(client.getUri() + path + "/" + more);
  }
}
@Data
class VerifyRequest extends LoginRequest {
  private String code;
  @JsonProperty("loginOptions")
  private Options options;
  @JsonIgnore
  private String secret;
  private static final int SIZE = 3;
  public VerifyRequest(String loginId, String code) {
    this.code = code;
  }
}
class LoginRequest {
  String loginId;
}
class Options {
  private boolean stepup;
}
"#;
    assert_eq!(
        requests(Language::Java, source),
        [
            "POST /v1/auth/thing/verify/{} body: code loginId loginOptions loginOptions.stepup",
            "GET /v1/mgmt/thing",
            "POST /v1/mgmt/thing body: id name",
        ]
    );
}

#[test]
fn php() {
    let source = r#"<?php
class EndpointsV1 {
    public static $VERIFY_PATH;
    public static function update(): void {
        self::$VERIFY_PATH = self::$baseUrl . "/v1/auth/thing/verify";
    }
}
class Thing {
    #[Pure]
    public function verify(string $method, ?string $loginId = null): array
    {
        $uri = EndpointsV1::$VERIFY_PATH . '/' . $method;
        $body = ['loginId' => $loginId, 'user' => ['name' => 'x']];
        if ($loginId !== null) {
            $body['code'] = $loginId;
        }
        return $this->api->doPost($uri, $body, true);
    }

    public function load(string $id): array
    {
        return $this->api->doGet(EndpointsV1::$VERIFY_PATH . "?id={$id}", true);
    }
}
"#;
    assert_eq!(
        requests(Language::Php, source),
        ["POST /v1/auth/thing/verify/{} body: code loginId user user.name", "GET /v1/auth/thing/verify"]
    );
}

#[test]
fn ruby() {
    let source = r##"
module Things
  VERIFY_PATH = '/v1/auth/thing/verify'
  THINGS_PATH = '/v1/mgmt/thing'

  def verify(method: nil, login_id: nil)
    # It isn't hard
    uri = verify_url(method)
    body = verify_body(login_id)
    post(uri, body, {}, nil)
  end

  def load(id)
    get(THINGS_PATH, { id: })
  end

  def remove(id)
    delete("#{THINGS_PATH}/#{id}")
  end

  private

  def verify_url(method)
    "#{VERIFY_PATH}/#{method}"
  end

  def verify_body(login_id)
    body = { loginId: login_id, 'code' => 1 }
    body[:options] = { stepup: true } unless login_id.empty?

    body
  end
end
"##;
    assert_eq!(
        requests(Language::Ruby, source),
        [
            "POST /v1/auth/thing/verify/{} body: code loginId options options.stepup",
            "GET /v1/mgmt/thing query: id",
            "DELETE /v1/mgmt/thing/{}",
        ]
    );
}

#[test]
fn kotlin() {
    let source = r#"
internal class Client {
    suspend fun verify(method: Method, loginId: String, options: Options?): Answer = post(
        route = "auth/thing/verify/${method.route()}",
        decoder = Answer::fromJson,
        headers = authorization(options?.jwt),
        body = mapOf("loginId" to loginId, "user" to mapOf("name" to "x")),
    )

    suspend fun logout(all: Boolean) = post(
        route = when (all) {
            true -> "auth/logoutall"
            false -> "auth/logout"
        },
        decoder = empty,
    )

    suspend fun me(tenant: String) = get(route = "auth/me", params = mapOf("tenant" to tenant))
}
"#;
    assert_eq!(
        requests(Language::Kotlin, source),
        [
            "POST /v1/auth/thing/verify/{} body: loginId user user.name",
            "POST /v1/auth/logout or /v1/auth/logoutall",
            "GET /v1/auth/me query: tenant",
        ]
    );
}

#[test]
fn swift() {
    let source = r#"
final class Client: HTTPClient {
    func verify(with method: Method, loginId: String) async throws(Failure) -> Answer {
        return try await post("auth/thing/verify/\(method.rawValue)", headers: authorization(with: jwt), body: [
            "loginId": loginId,
            "user": ["name": "x"],
        ])
    }

    func me(tenant: String) async throws(Failure) -> Answer {
        return try await get("auth/me", params: ["tenant": tenant])
    }
}
"#;
    assert_eq!(
        requests(Language::Swift, source),
        ["POST /v1/auth/thing/verify/{} body: loginId user user.name", "GET /v1/auth/me query: tenant"]
    );
}

#[test]
fn dotnet() {
    let source = r#"
namespace Sdk.Models
{
    public partial class VerifyRequest : IParsable
    {
        public virtual void Serialize(ISerializationWriter writer)
        {
            writer.WriteStringValue("loginId", LoginId);
            writer.WriteObjectValue<global::Sdk.Models.User>("user", User);
        }
    }
    public partial class User : IParsable
    {
        public virtual void Serialize(ISerializationWriter writer)
        {
            writer.WriteCollectionOfPrimitiveValues<string>("names", Names);
        }
    }
}
namespace Sdk.V1
{
    public partial class ThingRequestBuilder : BaseRequestBuilder
    {
        public ThingRequestBuilder(string rawUrl) : base("{+baseurl}/v1/auth/thing/{id}{?tenant*}", rawUrl)
        {
        }
        public RequestInformation ToGetRequestInformation(Action<Configuration> configuration)
        {
            return new RequestInformation(Method.GET, UrlTemplate, PathParameters);
        }
        public RequestInformation ToPostRequestInformation(global::Sdk.Models.VerifyRequest body)
        {
            return new RequestInformation(Method.POST, UrlTemplate, PathParameters);
        }
        public partial class ThingRequestBuilderGetQueryParameters
        {
            [QueryParameter("tenant")]
            public string Tenant { get; set; }
        }
    }
}
"#;
    assert_eq!(
        requests(Language::DotNet, source),
        ["GET /v1/auth/thing/{id} query: tenant", "POST /v1/auth/thing/{id} body: loginId user user.names"]
    );
}

/// A document with one operation of each kind that the comparison tells apart.
fn document() -> Document {
    let head = "openapi: 3.0.3\npaths:\n  /v1/thing/verify/email: {post: {requestBody: {content: {application/json: \
        {schema: {$ref: '#/components/schemas/Verify'}}}}}}\n  /v1/thing/verify/sms: {post: {requestBody: {content: \
        {application/json: {schema: {$ref: '#/components/schemas/Verify'}}}}}}\n  /v1/thing/{id}: {get: {parameters: \
        [{name: id, in: path}, {name: tenant, in: query}]}}\n  /v1/thing/all: {get: {}}\ncomponents: {schemas: \
        {Verify: {type: object, x-descope-aliases: {code: pin}, properties: {code: {type: string}, user: \
        {allOf: [{$ref: '#/components/schemas/User'}]}, claims: {type: object, additionalProperties: true}, tags: \
        {type: array, items: {$ref: '#/components/schemas/User'}}}}, User: {type: object, properties: {name: \
        {type: string}}}}}\n";
    Document::join(&[("spec/openapi.yaml".to_owned(), head.to_owned())]).unwrap()
}

fn messages(source: &str) -> Vec<String> {
    let document = document();
    let sources = vec![("a.kt".to_owned(), source.to_owned())];
    let calls = Package { name: "sdk".to_owned(), language: Language::Kotlin, sources }.calls();
    gaps(&Described::new(&document), &calls, &mut BTreeSet::new()).into_iter().map(|gap| gap.message).collect()
}

#[test]
fn gaps_are_operations_and_members_that_the_document_lacks() {
    for (call, expected) in [
        (r#"post(route = "thing/verify/${m}", body = mapOf("code" to 1, "pin" to 1))"#, &[][..]),
        (r#"post(route = "thing/verify/email", body = mapOf("claims" to mapOf("any" to 1)))"#, &[]),
        (r#"post(route = "thing/verify/email", body = mapOf("tags" to listOf(mapOf("name" to 1))))"#, &[]),
        (r#"get(route = "thing/${id}", params = mapOf("tenant" to 1, "id" to 1))"#, &[]),
        (r#"get(route = "thing/all")"#, &[]),
        (
            r#"post(route = "thing/verify/pigeon", body = mapOf("code" to 1))"#,
            &["POST /v1/thing/verify/pigeon is not in the document"],
        ),
        (
            r#"get(route = "thing/verify/sms")"#,
            &["GET /v1/thing/verify/sms is not in the document, which has POST there"],
        ),
        (
            r#"post(route = "thing/verify/sms", body = mapOf("codes" to 1, "user" to mapOf("names" to 1)))"#,
            &[
                "POST /v1/thing/verify/sms: the body member `codes` is not in the document",
                "POST /v1/thing/verify/sms: the body member `user.names` is not in the document",
            ],
        ),
        // What lies inside of a missing member says nothing more.
        (
            r#"post(route = "thing/verify/sms", body = mapOf("users" to mapOf("names" to 1)))"#,
            &["POST /v1/thing/verify/sms: the body member `users` is not in the document"],
        ),
        (
            r#"get(route = "thing/all", params = mapOf("tenant" to 1))"#,
            &["GET /v1/thing/all: the query member `tenant` is not in the document"],
        ),
    ] {
        assert_eq!(messages(&format!("fun f(m: M, id: String) = {call}\n")), expected, "{call}");
    }
}

#[test]
fn rows_accept_what_they_name_and_turn_stale() {
    let rows = "accepted:\n- {request: POST /v1/a/*, member: body user.*, packages: [one, two], why: Known.}\n\
        - {request: GET /v1/b, packages: [one], why: Gone.}\n";
    let gap = |request: &str, member: Option<&str>| Gap {
        request: request.to_owned(),
        member: member.map(str::to_owned),
        file: String::new(),
        line: 1,
        message: String::new(),
    };
    let mut accepted = Accepted::parse(rows).unwrap();
    assert!(accepted.accepts("one", &gap("POST /v1/a/x", Some("body user.name"))));
    assert!(!accepted.accepts("three", &gap("POST /v1/a/x", Some("body user.name"))));
    assert!(!accepted.accepts("one", &gap("POST /v1/a/x", Some("body users"))));
    assert!(!accepted.accepts("one", &gap("POST /v1/a/x", None)));
    assert!(!accepted.accepts("two", &gap("GET /v1/b", None)));
    let scanned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let stale = accepted.stale(&scanned(&["one"]));
    assert_eq!(stale.len(), 1, "{stale:?}");
    assert!(stale[0].starts_with("spec/freshness.yaml:3: stale: one"), "{stale:?}");
    assert_eq!(accepted.stale(&scanned(&["two"])).len(), 1, "it is not seen to send what the first row says");
    assert!(accepted.stale(&scanned(&["three"])).is_empty(), "what is not scanned is not judged");
}

#[test]
fn a_row_that_is_not_complete_is_refused_with_its_line() {
    for (row, part) in [
        ("{member: body a, packages: [x], why: y}", "`request` is missing"),
        ("{request: GET /v1/a, packages: [x]}", "`why` is missing"),
        ("{request: GET /v1/a, why: y}", "`packages` is missing"),
        ("{request: GET /v1/a, member: user, packages: [x], why: y}", "begins with `body` or `query`"),
        ("{request: GET /v1/a, sdk: go, packages: [x], why: y}", "`sdk` is not a member"),
    ] {
        let Err(failure) = Accepted::parse(&format!("accepted:\n- {row}\n")) else { panic!("{row} is accepted") };
        let message = failure.to_string();
        assert!(message.starts_with("spec/freshness.yaml:2: [freshness]") && message.contains(part), "{message}");
    }
    for text in ["# Rows\nacepted:\n- {request: GET /v1/a, packages: [x], why: y}\n", "# Rows\naccepted: none\n"] {
        let Err(failure) = Accepted::parse(text) else { panic!("{text} is accepted") };
        assert!(failure.to_string().starts_with("spec/freshness.yaml:2: [freshness]"), "{failure}");
    }
}

mod hostile {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Sources come from outside: whatever they hold, nothing panics and nothing goes on for ever.
        #[test]
        fn any_text_is_read(text in "[a-z(){}\\[\\]<>=:;,.\"'`$#/\\\\ \n]{0,200}") {
            for language in [Language::DotNet, Language::Go, Language::Java, Language::JavaScript, Language::Kotlin,
                Language::Php, Language::Python, Language::Ruby, Language::Swift] {
                requests(language, &text);
                requests(language, &format!("class A {{ fun f(a) {{ a = f(a); client.post(a, f(a)) }} }} {text}"));
            }
        }
    }
}
