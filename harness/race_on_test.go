//go:build race

package harness

// raceEnabled: the race detector makes everything about ten times as slow.
const raceEnabled = true
