package plan

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzScenario reads any text as a scenario: it never panics, and whatever is a valid plan is the
// same plan, with the same faults, after it was written and read again.
func FuzzScenario(f *testing.F) {
	files, err := filepath.Glob("../../docs/scenarios/*.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(f, err)
		f.Add(text)
	}
	for _, text := range []string{
		"", "#", "nodes: 3", "time: 10s\nfaults: []", "faults:\n  - ", "nemesis: [kill=5s, pause]",
		"data-loss: expected\nfaults:\n  - {at: 1s, for: 1s, kind: wipe, nodes: [n1, n2, n3]}",
		"faults:\n  - {at: 1s, for: 1s, kind: partition, cut: {n1: [n2, n3], n2: [n1]}}",
		"faults:\n  - {at: 1s, for: 1s, kind: partition, groups: [[n1], [n2, n3]]}",
		"recovery: 0s\noperations: []\nsimulation: {lose: [n1->n2 report 1 of c0.3], " +
			"mute: [n1 timer 2 of c0.3]}",
		"a: &a [*a]", "seed: 0x10", "seed: 1e3", "rate: .nan", "time: !!binary aGk=", "---\n---",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		base := Default()
		base.Seed = 7
		p, err := Read(bytes.NewReader(text), base)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		if p.Validate() != nil {
			return
		}
		schedule, err := p.Schedule()
		require.NoError(t, err, "a valid plan has a schedule")
		p.Faults = schedule
		require.NoError(t, p.Validate(), "and is valid with it")
		var written bytes.Buffer
		require.NoError(t, Write(&written, p))
		again, err := Read(&written, Default())
		require.NoError(t, err, "%s", written.String())
		if len(p.Faults) == 0 {
			p.Faults = again.Faults // none and an empty list are the same
		}
		require.Equal(t, p, again)
	})
}
