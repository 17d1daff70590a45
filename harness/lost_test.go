package harness

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

// A node is lost by a fault that damages disks, unless it was measured that its disk is as it was.
func TestANodeIsLostUnlessItsDiskIsAsItWas(t *testing.T) {
	measured := func(node string, shows bool) history.Measurement {
		return history.Measurement{
			Subject: node, What: history.MeasuredDisk, When: "during", Shows: shows,
		}
	}
	for _, c := range []struct {
		kind     nemesis.Kind
		measured []history.Measurement
		err      error
		want     []string
	}{
		{nemesis.Kill, nil, nil, nil},
		{nemesis.Wipe, nil, nil, []string{"n1", "n2"}},
		{nemesis.Rot, nil, nil, []string{"n1", "n2"}},
		{nemesis.Rot, []history.Measurement{measured("n1", true), measured("n2", false)}, nil,
			[]string{"n1"}},
		{nemesis.Rot, []history.Measurement{measured("n1", false), measured("n2", false)}, nil, nil},
		{nemesis.Rot, []history.Measurement{measured("n1", false)}, errors.New("no answer"),
			[]string{"n1", "n2"}},
		{nemesis.Rot, []history.Measurement{{Subject: "n1", What: "state"}}, nil,
			[]string{"n1", "n2"}},
	} {
		d := &driver{env: newFake(), lost: map[string]bool{}}
		d.lose(nemesis.Fault{Kind: c.kind, Nodes: []string{"n1", "n2"}},
			history.Evidence{Measurements: c.measured}, c.err)
		require.ElementsMatch(t, c.want, d.lostNodes(), "%+v", c)
	}
}
