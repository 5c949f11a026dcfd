//! What a test does to a running emulator and asks of it.

use crate::{Emulator, Fault, FaultError, PendingFault};

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
}
