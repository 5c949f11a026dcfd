//! How the users of a tenant sign in by their own identity provider: SAML, OpenID Connect, and trust in the tokens of
//! agents, in the shapes of today and in the older flat one.

pub(super) mod groups;
pub(super) mod sign_in;

use descope_api::types::{
    SsoAttributeMapping, SsoConfigureMappingV1Request, SsoConfigureMetadataV1Request, SsoConfigureOidcRequest,
    SsoConfigureRedirectUrlRequest, SsoConfigureSamlByMetadataRequest, SsoConfigureSamlRequest, SsoConfigureV1Request,
    SsoConfigureXaaRequest, SsoCreateRequest, SsoGroupsMapping, SsoMappedRole, SsoOidcSettings, SsoRoleMapping,
    SsoSamlSettingsResponse, SsoSetAuthTypeRequest, SsoSettingsAllResponse, SsoSettingsResponse, SsoSettingsV1Response,
    SsoUpdateProviderIdsRequest, SsoUserMapping, SsoXaaSettingsAllResponse, SsoXaaSettingsResponse,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{recast, role, set, some, tenant};
use crate::{
    error::{ALREADY_EXISTS, Refusal, VALIDATION_FAILED},
    http::{Call, Nothing, Table, op},
    world::Record,
};

/// The id of the configuration that every tenant has.
const DEFAULT: &str = "default_ssoid";

/// One SSO configuration of a tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SsoRecord {
    /// The tenant's id and the configuration's.
    key: String,
    tenant_id: String,
    sso_id: String,
    display_name: String,
    authentication_only: bool,
    oidc: SsoOidcSettings,
    saml: SsoSamlSettingsResponse,
    xaa: Option<SsoXaaSettingsResponse>,
}

impl Record for SsoRecord {
    const AUDITED: Option<&'static str> = Some("SSOConfiguration");

    fn id(&self) -> &str {
        &self.key
    }

    fn owners(&self) -> Vec<String> {
        vec![self.tenant_id.clone()]
    }

    fn tenant_ids(&self) -> Vec<String> {
        vec![self.tenant_id.clone()]
    }
}

pub(super) fn register(table: &mut Table) {
    table
        .on::<op::ManagementSsoLoad>(load)
        .on::<op::ManagementSsoLoadAll>(load_all)
        .on::<op::ManagementSsoCreate>(create)
        .done::<op::ManagementSsoDelete>(delete)
        .done::<op::ManagementSsoConfigureOidc>(configure_oidc)
        .done::<op::ManagementSsoConfigureSaml>(configure_saml)
        .done::<op::ManagementSsoConfigureSamlByMetadata>(configure_saml_by_metadata)
        .done::<op::ManagementSsoConfigureRedirectUrl>(configure_redirect_url)
        .done::<op::ManagementSsoSetAuthType>(set_auth_type)
        .done::<op::ManagementSsoUpdateProviderIds>(update_provider_ids)
        .done::<op::ManagementSsoRecalculateMappings>(groups::recalculate)
        .on::<op::ManagementSsoLoadV1>(load_v1)
        .done::<op::ManagementSsoConfigureV1>(configure_v1)
        .done::<op::ManagementSsoConfigureMetadataV1>(configure_metadata_v1)
        .done::<op::ManagementSsoConfigureMappingV1>(configure_mapping_v1)
        .done::<op::ManagementSsoConfigureXaa>(configure_xaa)
        .on::<op::ManagementSsoLoadXaa>(load_xaa)
        .on::<op::ManagementSsoLoadAllXaa>(load_all_xaa)
        .done::<op::ManagementSsoDeleteXaa>(delete_xaa);
    sign_in::register(table);
}

fn key(tenant: &str, sso: &str) -> String {
    format!("{tenant}/{sso}")
}

/// A configuration with nothing in it, as every tenant has one by default.
fn blank(call: &Call<'_>, tenant: &str, sso: &str) -> SsoRecord {
    let mut record = SsoRecord {
        key: key(tenant, sso),
        tenant_id: tenant.to_owned(),
        sso_id: sso.to_owned(),
        display_name: String::new(),
        authentication_only: false,
        oidc: SsoOidcSettings::new(),
        saml: SsoSamlSettingsResponse::new(),
        xaa: None,
    };
    fill_service_provider(call, &mut record, None, None);
    record.saml.attribute_mapping = Some(default_mapping());
    record
}

/// Our own side of SAML, which the other side wants to know.
fn fill_service_provider(call: &Call<'_>, record: &mut SsoRecord, acs_url: Option<String>, entity_id: Option<String>) {
    let (project, tenant) = (&call.project.id, &record.tenant_id);
    let acs = || {
        let url = Url::parse_with_params(
            &format!("{}/v1/auth/saml/acs", call.origin()),
            [("projectId", project.as_str()), ("tenantId", tenant.as_str())],
        );
        url.map(String::from).unwrap_or_default()
    };
    record.saml.sp_acs_url = Some(some(acs_url).unwrap_or_else(acs));
    record.saml.sp_entity_id = Some(some(entity_id).unwrap_or_else(|| format!("{project}-{tenant}")));
}

/// The attributes that are taken over unless another mapping is set.
fn default_mapping() -> SsoUserMapping {
    SsoUserMapping::new().name("name").email("email").phone_number("phone")
}

/// The configuration of a tenant: the default one where none is named, which is there from the beginning.
fn existing(call: &Call<'_>, tenant: &str, sso: Option<String>) -> Result<SsoRecord, Refusal> {
    tenant::require(call.state, tenant)?;
    let sso = some(sso).unwrap_or_else(|| DEFAULT.to_owned());
    match call.state.sso.get(&key(tenant, &sso)) {
        Some(record) => Ok(record.clone()),
        None if sso == DEFAULT => Ok(blank(call, tenant, &sso)),
        None => Err(Refusal::missing("SSO configuration", &sso)),
    }
}

/// Writes a configuration down. Changing the default one for the first time makes it.
fn store(call: &mut Call<'_>, record: SsoRecord) -> Result<(), Refusal> {
    let key = record.key.clone();
    if call.state.sso.contains(&key) {
        call.state.sso.update(&mut call.state.log, &key, |known| *known = record);
    } else {
        call.state.sso.insert(&mut call.state.log, record)?;
    }
    Ok(())
}

/// Says which domains sign in by SSO, and by which protocol.
fn set_tenant(call: &mut Call<'_>, tenant: &str, protocol: &str, domains: Option<Vec<String>>) -> Result<(), Refusal> {
    for domain in domains.iter().flatten() {
        let taken = |other: &&tenant::TenantRecord| other.id != tenant && other.domains.contains(domain);
        if let Some(other) = call.state.tenants.iter().find(taken) {
            let message = format!("The domain {domain:?} belongs to tenant {:?}", other.id);
            return Err(Refusal::new(&ALREADY_EXISTS, message));
        }
    }
    call.state.tenants.update(&mut call.state.log, tenant, |tenant| {
        protocol.clone_into(&mut tenant.auth_type);
        set(&mut tenant.domains, domains);
    });
    Ok(())
}

/// The domains of a request: those of the list, or the single one of older clients. None at all leaves them alone.
fn domains_of(domains: Vec<String>, domain: Option<String>) -> Option<Vec<String>> {
    let all: Vec<String> = domains.into_iter().chain(some(domain)).filter(|domain| !domain.trim().is_empty()).collect();
    Some(all).filter(|all| !all.is_empty())
}

/// The mappings with the ids of their roles, which have to exist.
fn mapped(call: &Call<'_>, tenant: &str, mappings: Vec<SsoRoleMapping>) -> Result<Vec<SsoGroupsMapping>, Refusal> {
    let mut found = Vec::new();
    for mapping in mappings {
        let name = some(mapping.role_name).ok_or_else(|| Refusal::required("roleMappings.roleName"))?;
        role::require(call.state, std::slice::from_ref(&name), Some(tenant))?;
        let id = role::id_of(call.state, &name, Some(tenant)).unwrap_or_else(|| name.clone());
        found.push(SsoGroupsMapping::new().groups(mapping.groups).role(SsoMappedRole::new().id(id).name(name)));
    }
    Ok(found)
}

fn check_url(field: &str, url: &str) -> Result<(), Refusal> {
    match Url::parse(url.trim()) {
        Ok(_) => Ok(()),
        Err(error) => Err(Refusal::new(&VALIDATION_FAILED, format!("The {field} field is not a URL: {error}"))),
    }
}

fn to_api(call: &Call<'_>, record: &SsoRecord) -> Result<SsoSettingsResponse, Refusal> {
    let mut oidc = record.oidc.clone();
    // It is written once and never read back.
    oidc.client_secret = oidc.client_secret.map(|_| String::new().into());
    Ok(SsoSettingsResponse::new()
        .tenant(tenant::require(call.state, &record.tenant_id)?.to_api())
        .sso_id(record.sso_id.as_str())
        .authentication_only(record.authentication_only)
        .oidc(oidc)
        .saml(record.saml.clone()))
}

fn named(call: &Call<'_>) -> Result<SsoRecord, Refusal> {
    let tenant = call.query("tenantId").unwrap_or_default();
    existing(call, tenant, call.query("ssoId").map(str::to_owned))
}

fn load(call: &mut Call<'_>, _: Nothing) -> Result<SsoSettingsResponse, Refusal> {
    let record = named(call)?;
    to_api(call, &record)
}

/// The default configuration, and those that were made beside it.
fn all_of(call: &Call<'_>) -> Result<Vec<SsoRecord>, Refusal> {
    let tenant = call.query("tenantId").unwrap_or_default();
    let mut all = vec![existing(call, tenant, None)?];
    all.extend(call.state.sso.owned(tenant).filter(|record| record.sso_id != DEFAULT).cloned());
    Ok(all)
}

fn load_all(call: &mut Call<'_>, _: Nothing) -> Result<SsoSettingsAllResponse, Refusal> {
    let all = all_of(call)?;
    let all = all.iter().map(|record| to_api(call, record)).collect::<Result<Vec<_>, _>>()?;
    Ok(SsoSettingsAllResponse::new().sso_settings(all))
}

fn create(call: &mut Call<'_>, body: SsoCreateRequest) -> Result<SsoSettingsResponse, Refusal> {
    tenant::require(call.state, &body.tenant_id)?;
    let sso = some(body.sso_id).unwrap_or_else(|| call.state.ids.id("SSO"));
    if sso == DEFAULT || call.state.sso.contains(&key(&body.tenant_id, &sso)) {
        return Err(Refusal::new(&ALREADY_EXISTS, format!("The tenant has an SSO configuration {sso:?} already")));
    }
    let mut record = blank(call, &body.tenant_id, &sso);
    record.display_name = body.display_name;
    let answer = to_api(call, &record)?;
    store(call, record)?;
    Ok(answer)
}

fn delete(call: &mut Call<'_>, _: Nothing) -> Result<(), Refusal> {
    let record = named(call)?;
    call.state.sso.remove(&mut call.state.log, &record.key);
    if record.sso_id == DEFAULT {
        call.state.tenants.update(&mut call.state.log, &record.tenant_id, |tenant| {
            "none".clone_into(&mut tenant.auth_type);
            tenant.domains.clear();
        });
    }
    Ok(())
}

fn configure_oidc(call: &mut Call<'_>, body: SsoConfigureOidcRequest) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, body.sso_id)?;
    let mut settings = body.settings;
    settings.groups_mapping = mapped(call, &body.tenant_id, std::mem::take(&mut settings.role_mappings))?;
    role::require(call.state, &settings.default_sso_roles, Some(&body.tenant_id))?;
    // A secret that is left out stays as it is.
    if settings.client_secret.as_ref().is_none_or(|secret| secret.expose().is_empty()) {
        settings.client_secret = record.oidc.client_secret.take();
    }
    record.authentication_only = settings.authentication_only.unwrap_or(record.authentication_only);
    record.oidc = settings;
    store(call, record)?;
    set_tenant(call, &body.tenant_id, "oidc", domains_of(body.domains, None))
}

fn configure_saml(call: &mut Call<'_>, body: SsoConfigureSamlRequest) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, body.sso_id)?;
    let settings = body.settings;
    check_url("settings.idpUrl", &settings.idp_url)?;
    let saml = SsoSamlSettingsResponse::new()
        .idp_sso_url(settings.idp_url)
        .idp_entity_id(settings.entity_id)
        .idp_certificate(settings.idp_cert)
        .idp_additional_certificates(settings.idp_additional_certs)
        .groups_mapping(mapped(call, &body.tenant_id, settings.role_mappings)?)
        .groups_priority(settings.groups_priority)
        .fga_mappings(settings.fga_mappings)
        .attribute_mapping(recast::<SsoUserMapping>(&settings.attribute_mapping.unwrap_or_default())?);
    let rest = SamlRest {
        redirect_url: body.redirect_url,
        acs_url: settings.sp_acs_url,
        entity_id: settings.sp_entity_id,
        authentication_only: settings.authentication_only,
        default_roles: settings.default_sso_roles,
        replace_default_roles: settings.replace_default_sso_roles,
        disable_sign_request: settings.disable_sign_request,
        subject_name_id_format: settings.subject_name_id_format,
        prefix: settings.config_fga_tenant_id_resource_prefix,
        suffix: settings.config_fga_tenant_id_resource_suffix,
    };
    refuse_own_keys(settings.sp_sign_key.is_some() || settings.sp_encryption_key.is_some())?;
    set_saml(call, &mut record, saml, rest)?;
    store(call, record)?;
    set_tenant(call, &body.tenant_id, "saml", domains_of(body.domains, None))
}

fn configure_saml_by_metadata(call: &mut Call<'_>, body: SsoConfigureSamlByMetadataRequest) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, body.sso_id)?;
    let settings = body.settings;
    check_url("settings.idpMetadataUrl", &settings.idp_metadata_url)?;
    let saml = SsoSamlSettingsResponse::new()
        .idp_metadata_url(settings.idp_metadata_url)
        .idp_entity_id(settings.entity_id.unwrap_or_default())
        .groups_mapping(mapped(call, &body.tenant_id, settings.role_mappings)?)
        .groups_priority(settings.groups_priority)
        .fga_mappings(settings.fga_mappings)
        .attribute_mapping(recast::<SsoUserMapping>(&settings.attribute_mapping.unwrap_or_default())?);
    let rest = SamlRest {
        redirect_url: body.redirect_url,
        acs_url: settings.sp_acs_url,
        entity_id: settings.sp_entity_id,
        authentication_only: settings.authentication_only,
        default_roles: settings.default_sso_roles,
        replace_default_roles: settings.replace_default_sso_roles,
        disable_sign_request: settings.disable_sign_request,
        subject_name_id_format: settings.subject_name_id_format,
        prefix: settings.config_fga_tenant_id_resource_prefix,
        suffix: settings.config_fga_tenant_id_resource_suffix,
    };
    refuse_own_keys(settings.sp_sign_key.is_some() || settings.sp_encryption_key.is_some())?;
    set_saml(call, &mut record, saml, rest)?;
    store(call, record)?;
    set_tenant(call, &body.tenant_id, "saml", domains_of(body.domains, None))
}

/// Nothing is signed or read by the emulator as a service provider, so that keys for it would be ignored.
fn refuse_own_keys(given: bool) -> Result<(), Refusal> {
    if given {
        let message = "The emulator does not sign SAML requests; leave spSignKey and spEncryptionKey out";
        return Err(Refusal::new(&crate::error::NOT_EMULATED, message));
    }
    Ok(())
}

/// What both ways of setting SAML have in common.
struct SamlRest {
    redirect_url: Option<String>,
    acs_url: Option<String>,
    entity_id: Option<String>,
    authentication_only: Option<bool>,
    default_roles: Vec<String>,
    replace_default_roles: Option<bool>,
    disable_sign_request: Option<bool>,
    subject_name_id_format: Option<String>,
    prefix: Option<String>,
    suffix: Option<String>,
}

fn set_saml(
    call: &Call<'_>,
    record: &mut SsoRecord,
    mut saml: SsoSamlSettingsResponse,
    rest: SamlRest,
) -> Result<(), Refusal> {
    role::require(call.state, &rest.default_roles, Some(&record.tenant_id))?;
    // Default roles are added to those that are there, unless they are to take their place.
    let mut roles =
        if rest.replace_default_roles == Some(true) { Vec::new() } else { record.saml.default_sso_roles.clone() };
    roles.extend(rest.default_roles.into_iter().filter(|role| !record.saml.default_sso_roles.contains(role)));
    saml.default_sso_roles = roles;
    saml.redirect_url = rest.redirect_url.or(record.saml.redirect_url.take());
    saml.provider_id = record.saml.provider_id.take();
    saml.scim_provider_id = record.saml.scim_provider_id.take();
    saml.disable_sign_request = rest.disable_sign_request;
    saml.subject_name_id_format = rest.subject_name_id_format;
    saml.config_fga_tenant_id_resource_prefix = rest.prefix;
    saml.config_fga_tenant_id_resource_suffix = rest.suffix;
    record.saml = saml;
    record.authentication_only = rest.authentication_only.unwrap_or(record.authentication_only);
    fill_service_provider(call, record, rest.acs_url, rest.entity_id);
    Ok(())
}

fn configure_redirect_url(call: &mut Call<'_>, body: SsoConfigureRedirectUrlRequest) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, body.sso_id)?;
    if let Some(url) = some(body.saml_redirect_url) {
        check_url("samlRedirectUrl", &url)?;
        record.saml.redirect_url = Some(url);
    }
    if let Some(url) = some(body.oauth_redirect_url) {
        check_url("oauthRedirectUrl", &url)?;
        record.oidc.redirect_url = Some(url);
    }
    store(call, record)
}

fn set_auth_type(call: &mut Call<'_>, body: SsoSetAuthTypeRequest) -> Result<(), Refusal> {
    existing(call, &body.tenant_id, body.sso_id)?;
    let protocol = tenant::checked_auth_type(Some(body.auth_type))?;
    set_tenant(call, &body.tenant_id, &protocol, None)
}

fn update_provider_ids(call: &mut Call<'_>, body: SsoUpdateProviderIdsRequest) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, body.sso_id)?;
    set(&mut record.saml.provider_id, body.saml_provider_id.map(Some));
    set(&mut record.saml.scim_provider_id, body.saml_scim_provider_id.map(Some));
    set(&mut record.oidc.provider_id, body.oidc_provider_id.map(Some));
    set(&mut record.oidc.scim_provider_id, body.oidc_scim_provider_id.map(Some));
    store(call, record)
}

fn load_v1(call: &mut Call<'_>, _: Nothing) -> Result<SsoSettingsV1Response, Refusal> {
    let record = named(call)?;
    let domains = tenant::require(call.state, &record.tenant_id)?.domains.clone();
    let saml = record.saml;
    let text = |value: Option<String>| value.unwrap_or_default();
    Ok(SsoSettingsV1Response::new()
        .tenant_id(record.tenant_id)
        .idp_entity_id(text(saml.idp_entity_id))
        .idp_sso_url(text(saml.idp_sso_url))
        .idp_certificate(text(saml.idp_certificate))
        .idp_metadata_url(text(saml.idp_metadata_url))
        .sp_entity_id(text(saml.sp_entity_id))
        .sp_acs_url(text(saml.sp_acs_url))
        .sp_certificate(text(saml.sp_certificate))
        .redirect_url(text(saml.redirect_url))
        .groups_mapping(saml.groups_mapping)
        .user_mapping(every_attribute(saml.attribute_mapping.unwrap_or_default()))
        .domain(domains.first().cloned().unwrap_or_default())
        .domains(domains))
}

/// The older form names each attribute, empty where none is taken over.
fn every_attribute(mut mapping: SsoUserMapping) -> SsoUserMapping {
    for attribute in [
        &mut mapping.email,
        &mut mapping.family_name,
        &mut mapping.given_name,
        &mut mapping.group,
        &mut mapping.middle_name,
        &mut mapping.name,
        &mut mapping.phone_number,
        &mut mapping.picture,
        &mut mapping.username,
        &mut mapping.verified_email,
        &mut mapping.verified_phone,
    ] {
        attribute.get_or_insert_default();
    }
    mapping
}

fn configure_v1(call: &mut Call<'_>, body: SsoConfigureV1Request) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, None)?;
    check_url("idpURL", &body.idp_url)?;
    record.saml.idp_sso_url = Some(body.idp_url);
    record.saml.idp_entity_id = Some(body.entity_id);
    record.saml.idp_certificate = Some(body.idp_cert);
    record.saml.idp_metadata_url = None;
    set(&mut record.saml.redirect_url, body.redirect_url.map(Some));
    store(call, record)?;
    set_tenant(call, &body.tenant_id, "saml", domains_of(body.domains, body.domain))
}

fn configure_metadata_v1(call: &mut Call<'_>, body: SsoConfigureMetadataV1Request) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, None)?;
    check_url("idpMetadataURL", &body.idp_metadata_url)?;
    record.saml.idp_metadata_url = Some(body.idp_metadata_url);
    set(&mut record.saml.redirect_url, body.redirect_url.map(Some));
    store(call, record)?;
    set_tenant(call, &body.tenant_id, "saml", domains_of(body.domains, body.domain))
}

/// Replaces the mapping: an attribute that is not named is not taken over any more.
fn configure_mapping_v1(call: &mut Call<'_>, body: SsoConfigureMappingV1Request) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, None)?;
    role::require(call.state, &body.default_sso_roles, Some(&body.tenant_id))?;
    record.saml.groups_mapping = mapped(call, &body.tenant_id, body.role_mappings)?;
    record.saml.groups_priority = body.groups_priority;
    record.saml.default_sso_roles = body.default_sso_roles;
    let mapping: SsoAttributeMapping = body.attribute_mapping.unwrap_or_default();
    record.saml.attribute_mapping = Some(recast(&mapping)?);
    store(call, record)
}

fn configure_xaa(call: &mut Call<'_>, body: SsoConfigureXaaRequest) -> Result<(), Refusal> {
    let mut record = existing(call, &body.tenant_id, body.sso_id)?;
    role::require(call.state, &body.default_sso_roles, Some(&body.tenant_id))?;
    let mut xaa = SsoXaaSettingsResponse::new()
        .sso_id(record.sso_id.as_str())
        .audience(format!("{}/{}", call.origin(), call.project.id))
        .default_sso_roles(body.default_sso_roles)
        .fga_mappings(body.fga_mappings)
        .groups_priority(body.groups_priority)
        .groups_mapping(mapped(call, &body.tenant_id, body.role_mappings)?);
    xaa.enabled = body.enabled;
    xaa.allow_override_roles = body.allow_override_roles;
    xaa.group_priority_enabled = body.group_priority_enabled;
    xaa.provider_id = body.provider_id;
    xaa.settings = body.settings;
    record.authentication_only = body.authentication_only.unwrap_or(record.authentication_only);
    record.xaa = Some(xaa);
    store(call, record)
}

fn no_xaa(record: &SsoRecord) -> Refusal {
    Refusal::missing("XAA configuration", &record.sso_id)
}

fn load_xaa(call: &mut Call<'_>, _: Nothing) -> Result<SsoXaaSettingsResponse, Refusal> {
    let record = named(call)?;
    record.xaa.clone().ok_or_else(|| no_xaa(&record))
}

fn load_all_xaa(call: &mut Call<'_>, _: Nothing) -> Result<SsoXaaSettingsAllResponse, Refusal> {
    let all = all_of(call)?.into_iter().filter_map(|record| record.xaa);
    Ok(SsoXaaSettingsAllResponse::new().xaa_settings(all))
}

fn delete_xaa(call: &mut Call<'_>, _: Nothing) -> Result<(), Refusal> {
    let mut record = named(call)?;
    if record.xaa.take().is_none() {
        return Err(no_xaa(&record));
    }
    store(call, record)
}
