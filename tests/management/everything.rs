//! What the service would take for "all there is" is not sent, and what is there or not is told by codes.

use descope_sdk::{Descope, ErrorKind, Result};
use httpmock::MockServer;

use crate::{
    support::raw::{PROJECT, http},
    world::{World, refused},
};

#[tokio::test]
async fn a_deletion_that_does_not_say_of_what_is_not_sent() {
    let server = MockServer::start_async().await;
    let any = server.mock_async(|_, then| drop(then.status(200).body("{}"))).await;
    let builder = Descope::builder(PROJECT).base_url(server.base_url()).http_client(http()).without_license();
    let descope = builder.management_key("K2Rm").build().unwrap();
    let (roles, permissions) = (descope.management().roles(), descope.management().permissions());
    let (apps, outbound) =
        (descope.management().third_party_applications(), descope.management().outbound_applications());
    let nothing: [&str; 0] = [];
    let refused: Vec<(&str, Result<()>)> = vec![
        ("role_names", roles.delete_batch().send().await),
        ("role_names", roles.delete_batch().role_names(nothing).send().await),
        ("role_ids", roles.delete_batch().role_names(["Auditor"]).role_ids(nothing).send().await),
        ("names", permissions.delete_batch().send().await),
        ("names", permissions.delete_batch().ids(nothing).send().await),
        ("consent_ids", apps.delete_consents().send().await),
        ("consent_ids", apps.delete_consents().app_id(" ").send().await),
        ("tenant_id", apps.delete_tenant_consents().send().await),
        ("app_id", outbound.delete_user_tokens().send().await),
        ("app_id", outbound.delete_user_tokens().app_id("").send().await),
    ];
    for (argument, outcome) in refused {
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.argument()), (ErrorKind::InvalidArgument, Some(argument)), "{error}");
    }
    assert_eq!(any.calls_async().await, 0);
    roles.delete_batch().role_ids(["R2"]).send().await.unwrap();
    permissions.delete_batch().names(["read"]).send().await.unwrap();
    apps.delete_consents().app_id("TPA1").send().await.unwrap();
    outbound.delete_user_tokens().app_id("A1").send().await.unwrap();
    assert_eq!(any.calls_async().await, 4);
}

#[tokio::test]
async fn names_that_are_taken_and_tenants_that_are_not_there_have_codes() {
    let world = World::start().await;
    let management = world.descope.management();
    let permissions = management.permissions();
    permissions.create("Reports").send().await.unwrap();
    refused(permissions.create("Reports").send().await, ErrorKind::AlreadyExists, 400, "E024104");
    refused(management.tenants().load("T9").send().await, ErrorKind::NotFound, 404, "E112202");
    refused(management.tenants().delete("T9").send().await, ErrorKind::NotFound, 404, "E112202");
    refused(management.roles().create("Reader").tenant_id("T9").send().await, ErrorKind::NotFound, 404, "E112202");
}
