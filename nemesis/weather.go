package nemesis

import (
	"math/rand/v2"
	"time"
)

// Bounds of what is drawn for faults of the kind Packets. The middle of them is what others use:
// delays around 50 ms, and a fifth of the datagrams lost or repeated.
const (
	drawnDelayMin, drawnDelayMax = 2, 100 // milliseconds
	drawnRateMin, drawnRateMax   = 5, 50  // percent
)

// packetNemeses returns one nemesis for each thing that can be done to packets.
func packetNemeses() []Nemesis {
	packets := func(name, description string, weight int, set func(*rand.Rand, *Fault)) Nemesis {
		draw := func(r *rand.Rand, nodes []string) Fault {
			f := Fault{Kind: Packets, Links: someLinks(r, nodes)}
			set(r, &f)
			return f
		}
		return Nemesis{
			Name: name, Description: description, variants: []variant{{2, weight, draw}},
		}
	}
	rate := func(r *rand.Rand) int { return drawnRateMin + r.IntN(drawnRateMax-drawnRateMin+1) }
	return []Nemesis{
		packets("delay", "delays what some links carry, so that it is reordered", 2,
			func(r *rand.Rand, f *Fault) {
				f.Delay = time.Duration(drawnDelayMin+r.IntN(drawnDelayMax)) * time.Millisecond
				f.Jitter = time.Duration(r.Int64N(int64(f.Delay) + 1)).Truncate(time.Millisecond)
			}),
		packets("loss", "loses some of what some links carry", 1,
			func(r *rand.Rand, f *Fault) { f.Loss = rate(r) }),
		packets("duplicate", "lets some of what some links carry arrive twice", 1,
			func(r *rand.Rand, f *Fault) { f.Duplicate = rate(r) }),
		packets("clog", "keeps what some links carry and lets it arrive at the end", 2,
			func(_ *rand.Rand, f *Fault) { f.Hold = true }),
	}
}

// someLinks returns each link with a chance of one in three, at least one, or all of them.
func someLinks(r *rand.Rand, nodes []string) Graph {
	if r.IntN(4) == 0 {
		return completeGraph(nodes)
	}
	return Random(r, nodes)
}
