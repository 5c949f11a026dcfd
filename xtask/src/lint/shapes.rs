//! What each object of the document may hold: the part of OpenAPI 3.0 that the generators read as it is meant.

/// What a value has to be.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    Flag,
    Number,
    Texts,
    /// Data, whose members are not part of the document's structure.
    Any,
    Object(&'static Kind),
    /// An object, or a reference to one among the components.
    Referable(&'static Kind),
    FlagOrSchema,
    /// Text, or a list of text, for each name.
    Names,
    List(&'static Shape),
    Map(&'static Shape),
}

/// A kind of object.
pub(super) struct Kind {
    /// With its article, for messages.
    pub(super) name: &'static str,
    /// What it may hold, our own extensions included.
    pub(super) members: &'static [(&'static str, Shape)],
    /// What it has to hold, unless another rule asks for it in better words.
    pub(super) required: &'static [&'static str],
    /// Where among the components those stand that may be referred to.
    pub(super) home: Option<&'static str>,
    /// What OpenAPI knows and this document does without, with the reason and the way out.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

use Shape::{Any, Flag, FlagOrSchema, List, Map, Names, Number, Object, Referable, Text, Texts};

pub(super) static ROOT: Kind = Kind {
    name: "the document",
    members: &[
        ("openapi", Text),
        ("info", Object(&INFO)),
        ("servers", List(&Object(&SERVER))),
        ("security", List(&Map(&Texts))),
        ("tags", List(&Object(&TAG))),
        ("externalDocs", Object(&DOCS)),
        ("paths", Map(&Object(&PATH))),
        ("components", Object(&COMPONENTS)),
    ],
    required: &[],
    home: None,
    refused: &[],
};

static INFO: Kind = Kind {
    name: "`info`",
    members: &[
        ("title", Text),
        ("version", Text),
        ("description", Text),
        ("termsOfService", Text),
        ("contact", Object(&CONTACT)),
        ("license", Object(&LICENSE)),
    ],
    required: &["title", "version"],
    home: None,
    refused: &[],
};

static CONTACT: Kind = Kind {
    name: "a contact",
    members: &[("name", Text), ("url", Text), ("email", Text)],
    required: &[],
    home: None,
    refused: &[],
};

static LICENSE: Kind = Kind {
    name: "a license",
    members: &[("name", Text), ("url", Text)],
    required: &["name"],
    home: None,
    refused: &[],
};

static SERVER: Kind = Kind {
    name: "a server",
    members: &[("url", Text), ("description", Text), ("variables", Map(&Object(&VARIABLE)))],
    required: &["url"],
    home: None,
    refused: &[],
};

static VARIABLE: Kind = Kind {
    name: "a server variable",
    members: &[("default", Text), ("description", Text), ("enum", Texts)],
    required: &["default"],
    home: None,
    refused: &[],
};

static TAG: Kind = Kind {
    name: "a tag",
    members: &[
        ("name", Text),
        ("description", Text),
        ("externalDocs", Object(&DOCS)),
        ("x-descope-sdk", Object(&SDK_AREA)),
    ],
    required: &["name"],
    home: None,
    refused: &[],
};

static SDK_AREA: Kind = Kind {
    name: "`x-descope-sdk` of a tag",
    members: &[("area", Text), ("handle", Text)],
    required: &["area"],
    home: None,
    refused: &[],
};

static SDK: Kind = Kind {
    name: "`x-descope-sdk`",
    members: &[
        ("verb", Text),
        ("args", Texts),
        ("user", Texts),
        ("named", Texts),
        ("hidden", Texts),
        ("returns", Text),
        ("holds", Texts),
        ("page", Object(&SDK_PAGE)),
        ("filters", Texts),
        ("some_of", Texts),
        ("empty", Texts),
        ("lines", Texts),
        ("sets", Map(&Any)),
        ("replaces", Flag),
        ("modify", Text),
        ("within", Texts),
        ("leaves", Texts),
        ("cache", Text),
        ("handwritten", Text),
    ],
    required: &[],
    home: None,
    refused: &[("area", "the area stands at the tag, in spec/openapi.yaml")],
};

static SDK_SCHEMA: Kind = Kind {
    name: "`x-descope-sdk` of a schema",
    members: &[("hidden", Texts)],
    required: &["hidden"],
    home: None,
    refused: &[],
};

static SDK_PAGE: Kind = Kind {
    name: "`page` of `x-descope-sdk`",
    members: &[("number", Text), ("size", Text), ("items", Text), ("total", Text)],
    required: &["number", "size", "items"],
    home: None,
    refused: &[],
};

static DOCS: Kind = Kind {
    name: "`externalDocs`",
    members: &[("url", Text), ("description", Text)],
    required: &["url"],
    home: None,
    refused: &[],
};

static COMPONENTS: Kind = Kind {
    name: "`components`",
    members: &[
        ("schemas", Map(&Referable(&SCHEMA))),
        ("responses", Map(&Object(&RESPONSE))),
        ("parameters", Map(&Object(&PARAMETER))),
        ("securitySchemes", Map(&Object(&SCHEME))),
    ],
    required: &[],
    home: None,
    refused: &[
        ("requestBodies", "write each body out at its operation; share its schema instead"),
        ("headers", "write the header out at its response"),
        ("examples", "use a YAML anchor to repeat an example"),
        ("links", "generators do not read links"),
        ("callbacks", "generators do not read callbacks"),
    ],
};

static SCHEME: Kind = Kind {
    name: "a security scheme",
    members: &[("type", Text), ("scheme", Text), ("bearerFormat", Text), ("description", Text)],
    required: &["type"],
    home: None,
    refused: &[
        ("in", "every credential goes as a bearer: `type: http`, `scheme: bearer`"),
        ("name", "every credential goes as a bearer: `type: http`, `scheme: bearer`"),
        ("flows", "every credential goes as a bearer: `type: http`, `scheme: bearer`"),
        ("openIdConnectUrl", "every credential goes as a bearer: `type: http`, `scheme: bearer`"),
    ],
};

static PATH: Kind = Kind {
    name: "a path",
    members: &[
        ("get", Object(&OPERATION)),
        ("put", Object(&OPERATION)),
        ("post", Object(&OPERATION)),
        ("delete", Object(&OPERATION)),
        ("options", Object(&OPERATION)),
        ("head", Object(&OPERATION)),
        ("patch", Object(&OPERATION)),
    ],
    required: &[],
    home: None,
    refused: &[
        ("parameters", "generators do not agree on parameters of a whole path; declare them at each of its operations"),
        ("servers", "the servers stand in spec/openapi.yaml, for all operations"),
        ("summary", "an operation has a summary, a path has none"),
        ("description", "an operation has a description, a path has none"),
        ("trace", "generators do not write functions for TRACE"),
        ("$ref", "write the path out; a reference in its place is not followed"),
    ],
};

static OPERATION: Kind = Kind {
    name: "an operation",
    members: &[
        ("operationId", Text),
        ("tags", Texts),
        ("summary", Text),
        ("description", Text),
        ("externalDocs", Object(&DOCS)),
        ("deprecated", Flag),
        ("security", List(&Map(&Texts))),
        ("parameters", List(&Referable(&PARAMETER))),
        ("requestBody", Object(&BODY)),
        ("responses", Map(&Referable(&RESPONSE))),
        ("x-descope-changes", Text),
        ("x-descope-may-be-empty", Flag),
        ("x-descope-partial", Flag),
        ("x-descope-retry", Text),
        ("x-descope-sdk", Object(&SDK)),
        ("x-descope-source", Text),
        ("x-descope-upstream-operation", Text),
        ("x-internal", Flag),
    ],
    required: &["responses"],
    home: None,
    refused: &[
        ("callbacks", "generators do not read callbacks"),
        ("servers", "the servers stand in spec/openapi.yaml, for all operations"),
    ],
};

static PARAMETER: Kind = Kind {
    name: "a parameter",
    members: &[
        ("name", Text),
        ("in", Text),
        ("required", Flag),
        ("deprecated", Flag),
        ("description", Text),
        ("schema", Object(&SCHEMA)),
        ("example", Any),
    ],
    required: &["name", "in", "schema"],
    home: Some("parameters"),
    refused: &[
        ("type", "that is Swagger 2; the type stands under `schema`"),
        ("style", "only the style that a parameter has by default is generated; leave it out"),
        ("explode", "only the style that a parameter has by default is generated; leave it out"),
        ("allowReserved", "the generated client escapes every value; leave it out"),
        ("allowEmptyValue", "it is not read; leave it out"),
        ("content", "a parameter has a `schema`"),
        ("examples", "one `example` is read"),
    ],
};

static BODY: Kind = Kind {
    name: "a request body",
    members: &[("required", Flag), ("description", Text), ("content", Map(&Object(&MEDIA)))],
    required: &["content"],
    home: None,
    refused: &[("$ref", "write the body out; share its schema instead")],
};

static RESPONSE: Kind = Kind {
    name: "a response",
    members: &[("description", Text), ("headers", Map(&Object(&HEADER))), ("content", Map(&Object(&MEDIA)))],
    required: &["description"],
    home: Some("responses"),
    refused: &[
        ("schema", "that is Swagger 2; the schema stands under `content` and its media type"),
        ("links", "generators do not read links"),
    ],
};

static HEADER: Kind = Kind {
    name: "a header",
    members: &[("description", Text), ("required", Flag), ("schema", Object(&SCHEMA)), ("example", Any)],
    required: &["description", "schema"],
    home: None,
    refused: &[("type", "that is Swagger 2; the type stands under `schema`")],
};

static MEDIA: Kind = Kind {
    name: "a media type",
    members: &[("schema", Referable(&SCHEMA)), ("example", Any)],
    required: &["schema"],
    home: None,
    refused: &[
        ("examples", "one `example` is read and validated"),
        ("encoding", "generators do not read encodings of single members"),
    ],
};

const REFUSES_ANSWERS: &str =
    "the generated type would refuse an answer that breaks it; say it in the description and let the service judge";

pub(super) static SCHEMA: Kind = Kind {
    name: "a schema",
    members: &[
        ("type", Text),
        ("format", Text),
        ("title", Text),
        ("description", Text),
        ("nullable", Flag),
        ("deprecated", Flag),
        ("minimum", Number),
        ("maximum", Number),
        ("items", Referable(&SCHEMA)),
        ("properties", Map(&Referable(&SCHEMA))),
        ("additionalProperties", FlagOrSchema),
        ("required", Texts),
        ("oneOf", List(&Referable(&SCHEMA))),
        // These two have rules of their own.
        ("default", Any),
        ("enum", Any),
        ("x-descope-aliases", Names),
        ("x-descope-any", Flag),
        ("x-descope-unit", Text),
        ("x-descope-sdk", Object(&SDK_SCHEMA)),
        ("x-descope-vocabulary", Text),
        ("x-extensible-enum", List(&Any)),
    ],
    required: &[],
    home: Some("schemas"),
    refused: &[
        ("pattern", REFUSES_ANSWERS),
        ("minLength", REFUSES_ANSWERS),
        ("maxLength", REFUSES_ANSWERS),
        ("minItems", REFUSES_ANSWERS),
        ("maxItems", REFUSES_ANSWERS),
        ("minProperties", REFUSES_ANSWERS),
        ("maxProperties", REFUSES_ANSWERS),
        ("multipleOf", REFUSES_ANSWERS),
        ("exclusiveMinimum", REFUSES_ANSWERS),
        ("exclusiveMaximum", REFUSES_ANSWERS),
        ("uniqueItems", "the list would become a set, which loses the order and refuses repetitions"),
        ("allOf", "generators merge it in different ways; write the members out"),
        ("anyOf", "generators read it in different ways; write `oneOf`, or a free-form object"),
        ("not", "no generator reads it; say it in the description"),
        ("discriminator", "an unknown value would be refused; write `oneOf` alone"),
        ("readOnly", "generators do not agree on it; write one schema for requests and one for answers"),
        ("writeOnly", "generators do not agree on it; write one schema for requests and one for answers"),
        ("example", "examples stand beside the schema of a body, where they are validated"),
        ("examples", "that is OpenAPI 3.1; examples stand beside the schema of a body"),
        ("const", "that is OpenAPI 3.1; use x-extensible-enum"),
        ("xml", "the service speaks JSON"),
        ("externalDocs", "put the address into the description"),
    ],
};

impl Kind {
    /// What a member has to be, if the kind has it.
    pub(super) fn shape(&self, member: &str) -> Option<Shape> {
        self.members.iter().find(|(name, _)| *name == member).map(|(_, shape)| *shape)
    }
}
