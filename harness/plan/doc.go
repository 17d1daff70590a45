// Package plan says what one test is, as data: the system, the workload, the nemesis, sizes,
// durations and the seed. A plan is what flags and a scenario file describe, what --dry-run prints,
// and what a run's directory keeps, so that the run can be repeated.
//
// The package is pure but for reading the file that it is given.
package plan
