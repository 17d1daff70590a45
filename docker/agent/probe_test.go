package agent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestProbesAreReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := probe{
			kind:   rapid.SampledFrom([]byte{kindProbe, kindBarrier}).Draw(t, "kind"),
			number: rapid.Uint64().Draw(t, "number"),
			sender: rapid.StringMatching(`[a-z0-9]{0,64}`).Draw(t, "sender"),
		}
		read, err := decodeProbe(p.encode())
		require.NoError(t, err)
		require.Equal(t, p, read)
	})
}

func TestLongNamesAreCutOff(t *testing.T) {
	data := probe{kind: kindProbe, sender: strings.Repeat("n", 100)}.encode()
	read, err := decodeProbe(data)
	require.NoError(t, err)
	require.Len(t, read.sender, 64)
}

func FuzzDecodeProbe(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(probeMagic))
	f.Add(probe{kind: kindProbe, number: 7, sender: "n1"}.encode())
	f.Add(probe{kind: 9, number: 7, sender: "n1"}.encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decodeProbe(data)
		if err != nil {
			return
		}
		require.Equal(t, data, p.encode())
	})
}
