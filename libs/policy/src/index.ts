export * from './handle.js';
export * from './display-name.js';
export * from './people-directory.js';
export * from './figures.js';
export * from './cohorts.js';
export * from './profile-record.js';
export * from './people-follower.js';
export * from './change-profile.js';
