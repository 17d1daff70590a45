package harness

import "math"

// Wilson returns the 95 % interval for the rate of which so many of count trials are an estimate
// (Wilson, Probable Inference, JASA 1927): unlike the usual one it means something for few trials,
// and where none or all of them count. Without trials it is everything.
func Wilson(hits, count int) (low, high float64) {
	if count == 0 {
		return 0, 1
	}
	const z = 1.959964
	n := float64(count)
	p := float64(hits) / n
	middle := p + z*z/(2*n)
	spread := z * math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	scale := 1 + z*z/n
	return max(0, (middle-spread)/scale), min(1, (middle+spread)/scale)
}
