package plan

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVaryKeepsWhatIsTriedAndWhatGoesWrong(t *testing.T) {
	p := valid()
	schedule, err := p.Schedule()
	require.NoError(t, err)
	p.Faults = schedule
	moved, others := 0, 0
	for seed := range uint64(200) {
		v := Vary(p, seed)
		require.NoError(t, v.Validate())
		require.Equal(t, v, Vary(p, seed))
		require.Equal(t, p.Seed, v.Seed)
		require.Equal(t, seed+SeedMin, v.SimulationSeed())
		require.Len(t, v.Faults, len(p.Faults))
		for i, f := range v.Faults {
			if f.At != p.Faults[i].At {
				moved++
				break
			}
		}
		if v.Simulation.Delay != p.Simulation.Delay {
			others++
		}
	}
	require.Greater(t, moved, 20)
	require.Greater(t, others, 20)

	p.Faults, p.Nemesis = nil, []string{"none"}
	for seed := range uint64(20) {
		require.NoError(t, Vary(p, seed).Validate())
	}
}
