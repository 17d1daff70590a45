package linearizability

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// page returns the page of ops, how many operations it shows, and how many it says that it hides.
func page(t *testing.T, ops []history.Operation) (html string, shown, hidden int) {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, Page(&out, modelOf(ops), ops))
	html = out.String()
	require.True(t, strings.HasPrefix(html, "<!doctype html>"))
	pattern := regexp.MustCompile(`(\d+) operations of the key are not shown`)
	note := pattern.FindStringSubmatch(html)
	require.Len(t, note, 2)
	_, err := fmt.Sscan(note[1], &hidden)
	require.NoError(t, err)
	return html, strings.Count(html, `"Metadata":"operation `), hidden
}

func TestThePageOfAKey(t *testing.T) {
	html, shown, hidden := page(t, parse(t, `c1 write 41 0..1
		c2 write 42 2..?
		c3 read 42 4..5
		c4 write 43 4..?
		c7 read 41 6..7`))
	require.Equal(t, 4, shown)
	require.Equal(t, 1, hidden)
	require.Contains(t, html, "c7 read 41 from n7")
	require.Contains(t, html, "c2 called write 42 at n2 (outcome unknown)")
	require.NotContains(t, html, "write 43")
}

func TestThePageOfAValueFromTheFuture(t *testing.T) {
	html, shown, _ := page(t, parse(t, "c1 read 1 0..1\nc2 write 1 3..?"))
	require.Equal(t, 2, shown)
	require.Contains(t, html, "c1 read 1 from n1")
}

func TestThePageOfADecision(t *testing.T) {
	html, shown, _ := page(t, parse(t, "c1 propose 1 0..1 told 1\nc2 propose 2 2..3 told 2"))
	require.Equal(t, 2, shown)
	require.Contains(t, html, "c2 was told by n2 that 2 was chosen")
}

func TestThePageOfALargeKeyShowsTheViolationAndSaysWhatItHides(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 4))
	ops := generate(random, shape{operations: 3000, processes: 3, unknown: 2})
	_, shown, hidden := page(t, ops)
	require.LessOrEqual(t, shown, pageOperationsMax, "a legal key")
	require.Greater(t, shown, pageOperationsMax-10)
	require.Equal(t, 3000, shown+hidden)

	victim := makeStale(ops)
	require.Positive(t, victim)
	html, shown, hidden := page(t, ops)
	require.LessOrEqual(t, shown, pageOperationsMax)
	require.Greater(t, shown, pageOperationsMax/2)
	require.Equal(t, 3000, shown+hidden)
	require.Contains(t, html, fmt.Sprintf(`"operation %d:`, ops[victim].ID))
}

func TestAPageIsOfOneKey(t *testing.T) {
	ops := parse(t, "c1 write 1 0..1\nc2 read 1 2..3")
	ops[1].Key = "r1"
	require.ErrorIs(t, Page(t.Output(), Register(), ops), ErrInvalid)
	require.ErrorIs(t, Page(t.Output(), Register(), nil), ErrInvalid)
}
