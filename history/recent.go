package history

import "hash/maphash"

const (
	// recentTextsMax is how many texts are kept at most.
	recentTextsMax = 1024
	// recentTextSizeMax is how long a text is that is kept, in bytes: as long as values are.
	recentTextSizeMax = 1000
)

// A recentTexts makes strings of bytes, and the same string of the same bytes as long as they come
// again soon: a history names few nodes, keys and errors, and a value is read many times. It keeps
// the text that came last for each value of a hash, so that its size is bounded.
type recentTexts struct {
	seed  maphash.Seed
	texts []string
}

func newRecentTexts() recentTexts {
	return recentTexts{seed: maphash.MakeSeed(), texts: make([]string, recentTextsMax)}
}

func (r *recentTexts) text(raw []byte) string {
	if len(raw) > recentTextSizeMax {
		return string(raw)
	}
	kept := &r.texts[maphash.Bytes(r.seed, raw)%recentTextsMax]
	if *kept != string(raw) {
		*kept = string(raw)
	}
	return *kept
}
