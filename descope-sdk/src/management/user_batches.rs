//! Any number of users, in calls of a size that the service takes.

use std::{collections::BTreeMap, sync::Arc};

use descope_api::types::{User, UserBatchCreateEntry, UserFailure, UserPatchRequest};

use super::user::{CreateBatch, DeleteBatch, PatchBatch, Users};
use crate::{
    Result, UserId,
    batch::{Batch, refused, unmentioned},
};

impl Users {
    /// Creates any number of users, a hundred to a call.
    ///
    /// - `users`: the users to create, each with what [`UserBatchCreateEntry`] has, a password hash of another system
    ///   included. Taken from the iterator as they are needed.
    /// - `call`: sets what each call has besides, such as [`invite`](CreateBatch::invite); `|call| call` for nothing.
    ///
    /// `POST /v1/mgmt/user/create/batch`, once for each chunk
    ///
    /// ```
    /// # use descope_sdk::management::user::UserBatchCreateEntry;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let emulator = descope_emulator::Emulator::builder().start().await?;
    /// # let descope = emulator.descope()?;
    /// let users = (0..250).map(|n| UserBatchCreateEntry::new(format!("user{n}@example.com")).name(format!("User {n}")));
    /// let mut batch = descope.management().users().create_many(users, |call| call).chunk_size(50);
    /// while let Some(item) = batch.next().await {
    ///     if let Err(error) = item.result {
    ///         eprintln!("{}: {error}", item.input.login_id);
    ///     }
    /// }
    /// # assert!(descope.management().users().load(descope_sdk::LoginId::new("user249@example.com")).send().await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_many<I>(
        &self,
        users: I,
        call: impl Fn(CreateBatch) -> CreateBatch + Send + Sync + 'static,
    ) -> Batch<UserBatchCreateEntry, User>
    where
        I: IntoIterator<Item = UserBatchCreateEntry, IntoIter: Send + 'static>,
    {
        let all = self.clone();
        Batch::new(users, move |chunk: Arc<[UserBatchCreateEntry]>| {
            let sent = call(all.create_batch(chunk.iter().cloned())).send();
            async move {
                let answer = sent.await?;
                let whom = chunk.iter().map(|user| Whom { login_id: &user.login_id, email: user.email.as_deref() });
                let operation = "management_user_batch_create";
                Ok(sorted(operation, whom, answer.created_users, answer.failed_users, &answer.additional_errors))
            }
        })
    }

    /// Changes any number of users, a hundred to a call; of each only what is set.
    ///
    /// - `patches`: the users and what is to change. Taken from the iterator as they are needed.
    /// - `call`: sets what each call has besides; `|call| call` for nothing.
    ///
    /// `PATCH /v1/mgmt/user/patch/batch`, once for each chunk; [`create_many`](Self::create_many) has an example of a batch.
    pub fn patch_many<I>(
        &self,
        patches: I,
        call: impl Fn(PatchBatch) -> PatchBatch + Send + Sync + 'static,
    ) -> Batch<UserPatchRequest, User>
    where
        I: IntoIterator<Item = UserPatchRequest, IntoIter: Send + 'static>,
    {
        let all = self.clone();
        Batch::new(patches, move |chunk: Arc<[UserPatchRequest]>| {
            let sent = call(all.patch_batch(chunk.iter().cloned())).send();
            async move {
                let answer = sent.await?;
                let whom = chunk.iter().map(|user| Whom { login_id: &user.login_id, email: user.email.as_deref() });
                let operation = "management_user_batch_patch";
                Ok(sorted(operation, whom, answer.patched_users, answer.failed_users, &answer.additional_errors))
            }
        })
    }

    /// Deletes any number of users for good, a hundred to a call.
    ///
    /// - `user_ids`: whom. Taken from the iterator as they are needed.
    /// - `call`: sets what each call has besides; `|call| call` for nothing.
    ///
    /// `POST /v1/mgmt/user/delete/batch`, once for each chunk; [`create_many`](Self::create_many) has an example of a batch.
    pub fn delete_many<I>(
        &self,
        user_ids: I,
        call: impl Fn(DeleteBatch) -> DeleteBatch + Send + Sync + 'static,
    ) -> Batch<UserId, ()>
    where
        I: IntoIterator<Item = UserId, IntoIter: Send + 'static>,
    {
        let all = self.clone();
        Batch::new(user_ids, move |chunk: Arc<[UserId]>| {
            let sent = call(all.delete_batch(chunk.iter().cloned())).send();
            async move { sent.await.map(|()| chunk.iter().map(|_| Ok(())).collect()) }
        })
    }
}

/// By what a user of the request is found in the answer.
struct Whom<'a> {
    login_id: &'a str,
    email: Option<&'a str>,
}

impl Whom<'_> {
    fn is(&self, user: &User) -> bool {
        // The service writes addresses small.
        let same = |one: &str| one.eq_ignore_ascii_case(self.login_id);
        user.login_ids.iter().any(|login_id| same(login_id))
            || user.email.as_deref().is_some_and(|email| same(email) || self.email == Some(email))
    }
}

/// What became of each user, in the order of the request.
fn sorted<'a>(
    operation: &'static str,
    whom: impl Iterator<Item = Whom<'a>>,
    mut done: Vec<User>,
    mut failed: Vec<UserFailure>,
    errors: &BTreeMap<String, String>,
) -> Vec<Result<User>> {
    // Both lists are in the order of the request, so the first match is near the front.
    whom.map(|whom| {
        if let Some(at) = done.iter().position(|user| whom.is(user)) {
            return Ok(done.remove(at));
        }
        if let Some(at) = failed.iter().position(|failure| failure.user.as_ref().is_some_and(|user| whom.is(user))) {
            return Err(refused(operation, failed.remove(at).failure));
        }
        match errors.get(whom.login_id) {
            Some(message) => Err(refused(operation, Some(message.clone()))),
            None => Err(unmentioned()),
        }
    })
    .collect()
}
