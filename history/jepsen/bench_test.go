package jepsen_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history/jepsen"
)

// longEDN returns a history of so many operations of ten processes, as Jepsen writes it.
func longEDN(operations int) string {
	var text strings.Builder
	for i := range operations {
		for j, outcome := range []string{"invoke", "ok"} {
			fmt.Fprintf(&text, "#jepsen.history.Op{:index %d, :time %d, :type :%s, :process %d, "+
				":f :write, :value [%d %d]}\n", 2*i+j, 1000*i+j, outcome, i%10, i%100, i)
		}
	}
	return text.String()
}

func TestLongHistory(t *testing.T) {
	const operations = 100_000
	ops := read(t, longEDN(operations), jepsen.Options{}).Operations()
	require.Len(t, ops, operations)
	require.Equal(t, fmt.Sprint(operations-1), ops[operations-1].Value.Text())
}

func BenchmarkRead(b *testing.B) {
	text := longEDN(100_000)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_, err := jepsen.Read(strings.NewReader(text), "h", jepsen.Options{})
		require.NoError(b, err)
	}
}
