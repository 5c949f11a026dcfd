//! What the service can do.

use serde_json::{Value, json};

use super::{KIND, LARGEST_PAGE, Realm, groups, reply, users};
use crate::http::{Reply, Table, op};

pub(super) fn register(table: &mut Table) {
    table
        .reply::<op::ScimServiceResourceTypes>(|call, _| {
            Realm::of(call)?;
            let kind = |name: &str, endpoint: &str, description: &str, schema: &str| {
                json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name,
                    "endpoint": endpoint, "description": description, "schema": schema,
                })
            };
            let kinds = vec![
                kind("User", "/Users", "User account", users::SHAPE.schema),
                kind("Group", "/Groups", "Group of users", groups::SHAPE.schema),
            ];
            Ok(list_of(kinds))
        })
        .reply::<op::ScimServiceConfig>(|call, _| {
            Realm::of(call)?;
            let not = json!({"supported": false});
            Ok(reply(json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
                "patch": {"supported": true},
                "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
                "filter": {"supported": true, "maxResults": LARGEST_PAGE},
                "changePassword": not, "sort": not, "etag": not,
                "authenticationSchemes": [{
                    "type": "oauthbearertoken", "name": "Bearer",
                    "description": "Project id and access key, joined by a colon", "primary": true,
                }],
            })))
        });
}

/// The kinds, under the name of the standard and that of the public reference: clients read the one or the other.
fn list_of(kinds: Vec<Value>) -> Reply {
    Reply::typed_json(
        KIND,
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": kinds.len(),
            "startIndex": 1, "itemsPerPage": kinds.len(), "values": kinds, "Resources": kinds,
        }),
    )
}
