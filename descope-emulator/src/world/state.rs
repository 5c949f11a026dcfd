//! Everything that a project remembers, behind one lock. A copy takes no time, so that a refused call can be undone and
//! snapshots cost nothing.

use descope_api::types::ScopeClaimMappingEntry;
use imbl::Vector;
use serde::{Deserialize, Serialize};

use super::{audit::AuditEntry, collection::Collection, ids::Ids, log::Log, settings::Settings};
use crate::{
    area::{
        self,
        access_key::AccessKeyRecord,
        admin_link::AdminLinkRecord,
        application::{ApplicationRecord, ConsentRecord, OutboundScimRecord, OutboundToken},
        descoper::DescoperRecord,
        engine::EngineRecord,
        family::{FamilyRecord, FamilySettingsRecord},
        fga,
        flow::{FlowPrimeRecord, FlowRecord, FlowRunRecord, ThemeRecord},
        jwt_template::JwtTemplateRecord,
        list::ListRecord,
        localization::TranslationRecord,
        management_key::ManagementKeyRecord,
        notp::NotpRecord,
        oauth::OauthRecord,
        password::rules::PasswordSettingsRecord,
        permission::PermissionRecord,
        project::ProjectSettings,
        provider::{BrowserRecord, GrantRecord, RequestRecord},
        push::PushRecord,
        resource::ResourceRecord,
        resource_policy::ResourcePolicyRecord,
        role::RoleRecord,
        scim::GroupRecord,
        sso::SsoRecord,
        tenant::TenantRecord,
        user::{UserRecord, attribute::UserAttributeRecord},
        webauthn::WebauthnRecord,
    },
    flow::{Code, EnchantedLink, Link, Pending, Session},
};

/// How long after its end a code or link is remembered, so that its refusal can still tell why, in seconds.
const REMEMBER: i64 = 3600;

macro_rules! state {
    ($($(#[$doc:meta])* $name:ident: $record:ty,)*) => {
        /// What one project knows. Handlers get it for the length of one call.
        #[derive(Clone, Debug, Default, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields, default)]
        pub(crate) struct State {
            pub(crate) settings: Settings,
            /// What the project says of itself.
            pub(crate) about: ProjectSettings,
            pub(crate) scope_claim_mapping: Vec<ScopeClaimMappingEntry>,
            pub(crate) theme: ThemeRecord,
            pub(crate) ids: Ids,
            /// What has happened, oldest first.
            pub(crate) audit: Vector<AuditEntry>,
            $($(#[$doc])* pub(crate) $name: Collection<$record>,)*
            #[serde(skip)]
            pub(crate) log: Log,
            #[serde(skip)]
            pub(crate) next_sweep: i64,
        }

        impl State {
            /// Removes whatever belongs to something that is gone.
            pub(crate) fn remove_owned(&mut self, owner: &str) {
                $(self.$name.remove_owned(&mut self.log, owner);)*
            }

            fn sweep_before(&mut self, time: i64) {
                $(self.$name.sweep(time);)*
            }
        }
    };
}

state! {
    users: UserRecord,
    sessions: Session,
    /// Sign-ins by a provider that are under way.
    oauth: OauthRecord,
    codes: Code,
    /// Magic and embedded links.
    links: Link,
    /// The links of enchanted messages, right and wrong ones.
    enchanted: EnchantedLink,
    /// Enchanted sign-ins by their `pendingRef`.
    pending: Pending,
    /// Messages that users are to send.
    notp: NotpRecord,
    /// Sign-ins that wait for a decision on the phone.
    push: PushRecord,
    access_keys: AccessKeyRecord,
    jwt_templates: JwtTemplateRecord,
    lists: ListRecord,
    management_keys: ManagementKeyRecord,
    descopers: DescoperRecord,
    engines: EngineRecord,
    flows: FlowRecord,
    flow_runs: FlowRunRecord,
    /// Runs that are about to begin, by their challenge.
    flow_primes: FlowPrimeRecord,
    resources: ResourceRecord,
    resource_policies: ResourcePolicyRecord,
    registration_templates: ResourceRecord,
    admin_links: AdminLinkRecord,
    tenants: TenantRecord,
    /// Texts of flows and messages in other languages.
    translations: TranslationRecord,
    roles: RoleRecord,
    families: FamilyRecord,
    family_settings: FamilySettingsRecord,
    password_settings: PasswordSettingsRecord,
    permissions: PermissionRecord,
    sso_applications: ApplicationRecord,
    third_party_applications: ApplicationRecord,
    outbound_applications: ApplicationRecord,
    outbound_tokens: OutboundToken,
    /// Where federated applications would have users written.
    outbound_scim: OutboundScimRecord,
    consents: ConsentRecord,
    mcp_servers: ApplicationRecord,
    mcp_clients: ApplicationRecord,
    /// Requests of applications that wait for a user, or for the application to fetch its tokens.
    provider_requests: RequestRecord,
    /// What applications have been granted.
    provider_grants: GrantRecord,
    /// Browsers in which a user is signed in at the provider.
    provider_browsers: BrowserRecord,
    groups: GroupRecord,
    /// SSO configurations of tenants.
    sso: SsoRecord,
    user_attributes: UserAttributeRecord,
    /// Challenges for passkeys that wait for their answer.
    webauthn: WebauthnRecord,
    relation_backups: fga::BackupRecord,
    relation_changes: fga::ChangeRecord,
    relation_details: fga::DetailsRecord,
    relation_schemas: fga::SchemaRecord,
    relations: fga::RelationRecord,
}

impl State {
    /// What a project is when it is new. With a seed its ids come again.
    pub(crate) fn new(seed: Option<u64>, project_id: &str) -> Self {
        let mut state = Self::default();
        if let Some(seed) = seed {
            state.ids = Ids::seeded(seed, project_id);
        }
        area::furnish(&mut state);
        // Nobody has done that.
        state.log.take();
        state
    }

    /// Forgets what has been over for long. Called with every request; does something once in a minute.
    pub(crate) fn sweep(&mut self, now: i64) {
        // A clock that was set back is no reason to wait for the time that it showed before.
        if now < self.next_sweep && self.next_sweep <= now + 60 {
            return;
        }
        self.next_sweep = now + 60;
        self.sweep_before(now - REMEMBER);
    }

    /// Ends every session of a user, or all but one.
    pub(crate) fn revoke_sessions(&mut self, user_id: &str, except: Option<&str>) {
        let others = |session: &&Session| Some(session.id.as_str()) != except && !session.revoked;
        let ids: Vec<String> = self.sessions.owned(user_id).filter(others).map(|session| session.id.clone()).collect();
        for id in ids {
            self.sessions.update(&mut self.log, &id, |session| session.revoked = true);
        }
    }

    /// Removes a user with everything that would let that user in.
    pub(crate) fn remove_user(&mut self, user_id: &str) -> bool {
        self.revoke_sessions(user_id, None);
        // They stay, so that their tokens are refused with the reason.
        let sessions = self.sessions.clone();
        let removed = self.users.remove(&mut self.log, user_id).is_some();
        self.remove_owned(user_id);
        self.sessions = sessions;
        removed
    }
}
