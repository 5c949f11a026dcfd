//! What is remembered: projects, each with its users, sessions, keys and everything else, and the clock for all of them.

pub(crate) mod audit;
pub(crate) mod clock;
pub(crate) mod collection;
mod file;
pub(crate) mod ids;
pub(crate) mod keys;
mod located;
pub(crate) mod log;
mod project;
mod references;
pub(crate) mod seed;
pub(crate) mod settings;
mod state;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use serde::{Deserialize, Serialize};

use self::file::DataFile;
pub(crate) use self::{
    clock::Clock,
    collection::{Collection, Conflict, Record},
    log::{Event, Log},
    project::{Actor, Project, SavedProject},
    settings::Settings,
    state::State,
};
use crate::admin::events::Events;

/// Which projects there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Projects {
    /// Any id makes its own project when it is first asked for.
    Any,
    /// Only those that were named at the start.
    Listed,
}

/// Every project by its id, and the clock.
pub(crate) struct World {
    pub(crate) clock: Clock,
    /// What happens in all projects.
    pub(crate) events: Events,
    default_id: String,
    which: Projects,
    seed: Option<u64>,
    /// What a project is set to when it comes into being.
    settings: Settings,
    projects: RwLock<BTreeMap<String, Arc<Project>>>,
    file: Option<DataFile>,
    /// The projects that the data file had.
    loaded: BTreeSet<String>,
}

/// The document that `/_emulator/state` answers and takes, and that the data file holds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Saved {
    /// The form of the document, for later versions of the emulator.
    version: u32,
    projects: BTreeMap<String, SavedProject>,
}

/// The form of the document that this version writes.
const VERSION: u32 = 1;
/// How many projects come into being by being asked for: a client with random project ids must not fill the memory.
const MAX_PROJECTS: usize = 10_000;

impl World {
    pub(crate) fn new(default_id: &str, which: Projects, seed: Option<u64>, settings: Settings) -> Self {
        let events = Events::default();
        let world = Self {
            clock: Clock::with_events(events.clone()),
            events,
            default_id: default_id.to_owned(),
            which,
            seed,
            settings,
            projects: RwLock::default(),
            file: None,
            loaded: BTreeSet::new(),
        };
        world.add(default_id);
        world
    }

    /// What ids and draws follow from, where they are to come again.
    pub(crate) fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Keeps everything in a file from now on, and takes over what is in it.
    pub(crate) fn with_file(mut self, path: PathBuf) -> Result<Self, String> {
        let (file, saved) = DataFile::open(path)?;
        if let Some(saved) = saved {
            self.loaded = saved.projects.keys().cloned().collect();
            self.import(saved)?;
        }
        self.file = Some(file);
        Ok(self)
    }

    /// Takes a seed over for projects that the data file has not had: what has happened since stays.
    pub(crate) fn plant(&self, mut seed: Saved) -> Result<(), String> {
        seed.projects.retain(|id, _| !self.loaded.contains(id));
        self.import(seed)
    }

    /// The project that is emulated unless a call names another.
    pub(crate) fn default_project(&self) -> Arc<Project> {
        self.add(&self.default_id)
    }

    /// The project with this id, which comes into being here where any id is a project.
    pub(crate) fn project(&self, id: &str) -> Option<Arc<Project>> {
        if let Some(project) = self.existing(id) {
            return Some(project);
        }
        if self.which == Projects::Listed || !is_project_id(id) {
            return None;
        }
        let mut projects = self.projects.write().unwrap_or_else(PoisonError::into_inner);
        if projects.len() >= MAX_PROJECTS {
            // Those that were only asked for make room.
            projects.retain(|_, project| project.is_kept());
        }
        let room = projects.len() < MAX_PROJECTS;
        let new = || Arc::new(Project::new(id, self.seed, &self.settings, self.events.clone()));
        room.then(|| Arc::clone(projects.entry(id.to_owned()).or_insert_with(new)))
    }

    /// Whether there is a project with this id, or there would be one if it was asked for.
    pub(crate) fn takes(&self, id: &str) -> bool {
        self.existing(id).is_some() || (self.which == Projects::Any && is_project_id(id))
    }

    /// The project with this id, when it has been asked for before.
    pub(crate) fn existing(&self, id: &str) -> Option<Arc<Project>> {
        self.projects.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    pub(crate) fn add(&self, id: &str) -> Arc<Project> {
        let mut projects = self.projects.write().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Project::new(id, self.seed, &self.settings, self.events.clone()));
        let project = projects.entry(id.to_owned()).or_insert_with(new);
        project.keep();
        Arc::clone(project)
    }

    /// All projects in the order of their ids, without those that were asked for and in which nothing has happened.
    pub(crate) fn projects(&self) -> Vec<Arc<Project>> {
        let projects = self.projects.read().unwrap_or_else(PoisonError::into_inner);
        projects.values().filter(|project| project.is_kept()).cloned().collect()
    }

    /// Forgets everything but the signing keys, and sets the clock right.
    pub(crate) fn reset(&self) {
        for project in self.projects() {
            project.reset();
        }
        self.clock.reset();
        self.events.clear();
        self.events.change("all", None);
        // Whoever resets wants nothing of before; a file that cannot be written says so with the next change.
        let _ = self.save();
    }

    /// Everything, to be written down.
    pub(crate) fn export(&self) -> Saved {
        let projects = self.projects().into_iter().map(|project| (project.id.clone(), project.export())).collect();
        Saved { version: VERSION, projects }
    }

    /// Becomes what was written down. Projects that are not in it stay as they are.
    pub(crate) fn import(&self, saved: Saved) -> Result<(), String> {
        if saved.version != VERSION {
            return Err(format!("the document has version {}; this emulator reads version {VERSION}", saved.version));
        }
        for (id, project) in &saved.projects {
            if !is_project_id(id) {
                return Err(format!("{id:?} cannot be the id of a project"));
            }
            project.state.settings.check().map_err(|refusal| format!("project {id}: {}", refusal.message))?;
        }
        for (id, project) in saved.projects {
            self.add(&id).import(project);
        }
        self.events.change("all", None);
        self.save()
    }

    /// Leaves the data file to another emulator.
    pub(crate) fn release(&self) {
        if let Some(file) = &self.file {
            file.release();
        }
    }

    /// Writes everything to the data file, where there is one. To be called before a change is acknowledged.
    pub(crate) fn save(&self) -> Result<(), String> {
        self.file.as_ref().map_or(Ok(()), |file| file.write(|| self.export()))
    }
}

/// Whether something can be the id of a project: nothing else can stand in a bearer and in a path.
pub(crate) fn is_project_id(id: &str) -> bool {
    let bad = |character: char| character.is_whitespace() || character.is_control() || matches!(character, ':' | '/');
    !id.is_empty() && id.len() <= 64 && !id.contains(bad)
}
