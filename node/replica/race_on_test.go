//go:build race

package replica

// raceEnabled: the race detector makes everything about ten times as slow.
const raceEnabled = true
