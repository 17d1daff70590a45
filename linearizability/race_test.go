//go:build race

package linearizability

// raceDetector tells that the tests run with the race detector, which takes several times the
// memory of the program for itself.
const raceDetector = true
