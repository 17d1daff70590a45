package linearizability

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// The histories of etcd that Jepsen recorded and porcupine comes with, and how many of them are
// known to be legal. Values repeat and refused compare-and-sets do not say what they saw, so
// nothing is prepared but unknown reads: this is the general path.
func TestKnownHistoriesOfEtcd(t *testing.T) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine")
	dir, err := list.Output()
	require.NoError(t, err)
	files, err := filepath.Glob(
		filepath.Join(strings.TrimSpace(string(dir)), "test_data", "jepsen", "etcd_*.log"))
	require.NoError(t, err)
	verdicts := map[Verdict]int{}
	for _, file := range files {
		ops := readEtcd(t, file)
		if len(ops) == 0 {
			require.Contains(t, file, "etcd_095.log", "the only one that is empty")
			continue
		}
		report := check(t, ops, Options{Explanations: 1})
		require.NotEqual(t, Unknown, report.Verdict, file)
		verdicts[report.Verdict]++
		for _, e := range report.Violations {
			require.True(t, e.Confirmed, file)
		}
	}
	require.Equal(t, map[Verdict]int{Legal: 23, Illegal: 79}, verdicts)
}

// readEtcd reads lines such as "INFO  jepsen.util - 3 :invoke :cas [1 2]".
func readEtcd(t *testing.T, path string) []history.Operation {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	var events []history.Event
	open := map[string]*history.Operation{}
	processes := map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		_, text, found := strings.Cut(lines.Text(), "jepsen.util - ")
		fields := strings.Fields(text)
		if !found || len(fields) < 4 || fields[0] == ":nemesis" {
			continue
		}
		fields[3] = strings.Join(fields[3:], " ")
		e := history.Event{Index: int64(len(events)), Type: history.Type(fields[1][1:])}
		if e.Type == history.TypeInvoke {
			if _, known := processes[fields[0]]; !known {
				processes[fields[0]] = len(processes)
			}
			open[fields[0]] = etcdCall(fields, int64(len(events)+1), processes[fields[0]])
			e.Operation = open[fields[0]]
		} else {
			e.Operation = etcdReturn(*open[fields[0]], fields)
		}
		events = append(events, e)
	}
	require.NoError(t, lines.Err())
	return history.Operations(events)
}

func etcdCall(fields []string, id int64, process int) *history.Operation {
	op := &history.Operation{
		ID: id, Process: process, Kind: history.Kind(fields[2][1:]), Key: "r0",
		Return: history.NoReturn,
	}
	switch op.Kind {
	case history.Write:
		op.Value = etcdValue(fields[3])
	case history.CompareAndSet:
		from, to, _ := strings.Cut(strings.Trim(fields[3], "[]"), " ")
		op.Expected, op.Value = etcdValue(from), etcdValue(to)
	}
	return op
}

// etcdReturn follows Jepsen's etcd test, in which a compare-and-set fails when its condition did.
func etcdReturn(op history.Operation, fields []string) *history.Operation {
	op.Outcome = history.Outcome(fields[1][1:])
	switch {
	case op.Kind == history.CompareAndSet && op.Outcome == history.Fail:
		op.Outcome, op.Blind = history.OK, true
	case op.Kind == history.CompareAndSet:
		op.Applied = op.Outcome == history.OK
	case op.Kind == history.Read && op.Outcome == history.OK:
		op.Returned = etcdValue(fields[3])
	}
	return &op
}

func etcdValue(text string) history.Value {
	if text == "nil" {
		return history.Value{}
	}
	return history.NewValue(text)
}
