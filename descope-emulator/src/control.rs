//! What a test does to a running emulator and asks of it.

use crate::{
    Emulator, Fault, FaultError, PendingFault, RecordedRequest, RequestFilter, SessionRequest, SignInError, SignedIn,
    admin::session,
};

impl Emulator {
    /// Has a fault happen to the calls that it chooses, and gives the id by which it is withdrawn.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use descope_emulator::{Emulator, Fault};
    ///
    /// let emulator = Emulator::builder().random_seed(7).start().await?;
    /// let id = emulator.add_fault(
    ///     Fault::error(503, "E010503", "Maintenance")
    ///         .method("POST")
    ///         .path("/v1/auth/*")
    ///         .login_id("ada@example.com")
    ///         .header("x-served-by", "proxy")
    ///         .probability(0.25)
    ///         .always(),
    /// )?;
    /// assert_eq!(emulator.faults()[0].id, id);
    /// assert!(emulator.withdraw_fault(id));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`FaultError`]: a value cannot be, such as a probability above 1 or the name of no operation.
    pub fn add_fault(&self, fault: Fault) -> Result<u64, FaultError> {
        self.app.faults.add(fault)
    }

    /// The faults that are still to happen, in the order in which they were added.
    pub fn faults(&self) -> Vec<PendingFault> {
        self.app.faults.list()
    }

    /// Takes a fault back. Whether it was still to happen.
    pub fn withdraw_fault(&self, id: u64) -> bool {
        self.app.faults.withdraw(id)
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.app.faults.clear();
    }

    /// The requests since the start or the last reset, oldest first; 2,000 are kept.
    ///
    /// ```
    /// # async fn example(emulator: &descope_emulator::Emulator) {
    /// let requests = emulator.requests();
    /// assert!(requests.iter().all(|request| request.status < 500));
    /// # }
    /// ```
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.find_requests(&RequestFilter::new())
    }

    /// The requests that are kept and that the filter takes, oldest first.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use descope_emulator::{Emulator, RequestFilter};
    /// let emulator = Emulator::builder().start().await?;
    /// reqwest::get(format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id())).await?;
    /// let keys = emulator.find_requests(&RequestFilter::new().path("/v2/*").status(200));
    /// assert_eq!(keys[0].operation.as_deref(), Some("sessionKeys"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn find_requests(&self, filter: &RequestFilter) -> Vec<RecordedRequest> {
        self.app.journal.find(filter)
    }

    /// How often an operation was called since the start or the last reset, also when its requests are not kept any more.
    /// `operation` is as for [`fail_next`](Self::fail_next).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use descope_emulator::Emulator;
    /// let emulator = Emulator::builder().start().await?;
    /// reqwest::get(format!("{}/v2/keys/{}", emulator.base_url(), emulator.project_id())).await?;
    /// assert_eq!(emulator.calls("sessionKeys"), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn calls(&self, operation: &str) -> u64 {
        let id = descope_api::operation(operation).map_or(operation, |operation| operation.id);
        self.app.journal.calls(id)
    }

    /// Signs a user in without a code or a password: the user comes into being where there is none, joins the tenant that
    /// the request names and gets its roles.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use descope_emulator::{Emulator, SessionRequest};
    ///
    /// let emulator = Emulator::builder().start().await?;
    /// let ada = emulator.sign_in(&SessionRequest::new("ada@example.com").role("Tenant Admin"))?;
    /// assert!(ada.created);
    /// assert_eq!(ada.cookies[0].name, "DS");
    ///
    /// let unknown = SessionRequest::new("ada@example.com").tenant("T9");
    /// assert!(emulator.sign_in(&unknown).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignInError`]: the tenant, a role or the project does not exist, the user is disabled, or a value cannot be.
    pub fn sign_in(&self, request: &SessionRequest) -> Result<SignedIn, SignInError> {
        let url = url::Url::parse(self.base_url()).ok();
        let host = url.as_ref().and_then(url::Url::host_str).unwrap_or("localhost");
        Ok(session::sign_in(&self.app, request, host)?)
    }
}
