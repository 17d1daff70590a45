//go:build !race

package linearizability

// raceDetector tells that the tests run with the race detector.
const raceDetector = false
