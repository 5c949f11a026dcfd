//! `schemars::JsonSchema` for the generated types: what the document says of each, instead of what a derive would find
//! out. Derives take a third of the time that the rest of the crate takes to check, and know less.

use std::{collections::BTreeMap, sync::LazyLock};

use schemars::{
    r#gen::SchemaGenerator,
    schema::{Schema, SchemaObject},
    visit::{self, Visitor},
};
use serde_json::value::RawValue;

/// The schemas of the document, by name, in the words of JSON Schema.
static SCHEMAS: LazyLock<BTreeMap<&str, &RawValue>> =
    LazyLock::new(|| serde_json::from_str(include_str!("generated/schemas.json")).unwrap_or_default());

/// A type by the name of its schema, and how another schema refers to it.
pub(crate) type Described = (&'static str, fn(&mut SchemaGenerator) -> Schema);

/// Gives types the schemas that have their names, and lists them for those that refer to them.
macro_rules! described {
    ($($name:ident)*) => {
        pub(super) const DESCRIBED: &[crate::schema::Described] =
            &[$((stringify!($name), schemars::r#gen::SchemaGenerator::subschema_for::<$name>)),*];

        $(
            impl schemars::JsonSchema for $name {
                fn schema_name() -> String {
                    stringify!($name).to_owned()
                }

                fn schema_id() -> std::borrow::Cow<'static, str> {
                    std::borrow::Cow::Borrowed(concat!("descope_api::types::", stringify!($name)))
                }

                fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
                    crate::schema::of(stringify!($name), generator)
                }
            }
        )*
    };
}

pub(crate) use described;

/// The schema of that name, with its references in the form that the generator is set to.
pub(crate) fn of(name: &str, generator: &mut SchemaGenerator) -> Schema {
    let schema = SCHEMAS.get(name).and_then(|schema| serde_json::from_str::<SchemaObject>(schema.get()).ok());
    // Where anything is allowed nothing wrong is said.
    let mut schema = schema.unwrap_or_default();
    References(generator).visit_schema_object(&mut schema);
    schema.into()
}

struct References<'g>(&'g mut SchemaGenerator);

impl Visitor for References<'_> {
    fn visit_schema(&mut self, schema: &mut Schema) {
        if let Schema::Object(SchemaObject { reference: Some(reference), .. }) = schema {
            let name = reference.rsplit('/').next();
            let known = crate::types::DESCRIBED.iter().copied().flatten().find(|(known, _)| Some(*known) == name);
            *schema = known.map_or(Schema::Bool(true), |(_, subschema)| subschema(self.0));
        } else {
            visit::visit_schema(self, schema);
        }
    }
}
