//go:build race

package simulation_test

// raceEnabled: the race detector makes everything about ten times as slow.
const raceEnabled = true
