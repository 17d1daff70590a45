package docker

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The command's name may hold what looks like other fields.
func TestStartInStat(t *testing.T) {
	fields := " S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 424242 1000 10 18446744073709551615"
	require.Equal(t, "424242", startInStat("7 (sh)"+fields))
	require.Equal(t, "424242", startInStat("7 (a) S 1 (b))"+fields))
	require.Empty(t, startInStat("7 (sh) Z"+fields[2:]), "a corpse")
	require.Empty(t, startInStat("7 (sh) S 1 7"))
	require.Empty(t, startInStat(""))
}
