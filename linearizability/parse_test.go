package linearizability

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// parse reads a history of one key, "r0", for a test: a line an operation, with its client, what
// it asked for, when (in seconds, which are the indices too; "?" is of unknown outcome), and how
// it ended where that is not clear:
//
//	c1 write 1      0..3
//	c2 read 1       4..5
//	c2 read -       1..2
//	c3 cas 1>2      6..9
//	c3 cas 1>2      6..9 saw 3
//	c3 cas 1>2      6..9 blind
//	c4 write 5      2..?
//	c5 write 6      2..3 fail
//	c6 propose 7    0..3 told 7
//	c7 learn 7      4..5
//
// Every operation has a process of its own, and client cN asks node nN.
func parse(t testing.TB, text string) []history.Operation {
	t.Helper()
	var ops []history.Operation
	for line := range strings.Lines(strings.TrimSpace(text)) {
		fields := strings.Fields(line)
		require.GreaterOrEqual(t, len(fields), 4, line)
		client, err := strconv.Atoi(strings.TrimPrefix(fields[0], "c"))
		require.NoError(t, err, line)
		op := history.Operation{
			ID: int64(len(ops) + 1), Process: len(ops), Client: client,
			Node: fmt.Sprintf("n%d", client), Kind: history.Kind(fields[1]), Key: "r0",
			Result: history.Result{Outcome: history.OK},
		}
		parseTimes(t, &op, fields[3])
		parseValues(t, &op, fields[2], fields[4:])
		ops = append(ops, op)
	}
	return ops
}

func parseTimes(t testing.TB, op *history.Operation, text string) {
	t.Helper()
	from, to, ok := strings.Cut(text, "..")
	require.True(t, ok, text)
	var err error
	op.Call, err = strconv.ParseInt(from, 10, 64)
	require.NoError(t, err)
	op.CallTime = time.Duration(op.Call) * time.Second
	if to == "?" {
		op.Return = history.NoReturn
		op.Result = history.Result{Outcome: history.Info, Error: "timed out"}
		return
	}
	op.Return, err = strconv.ParseInt(to, 10, 64)
	require.NoError(t, err)
	op.ReturnTime = time.Duration(op.Return) * time.Second
}

func parseValues(t testing.TB, op *history.Operation, text string, ended []string) {
	t.Helper()
	known := op.Outcome == history.OK
	switch op.Kind {
	case history.Read, history.Learn:
		if known {
			op.Returned = parseValue(text)
		}
	case history.CompareAndSet:
		from, to, ok := strings.Cut(text, ">")
		require.True(t, ok, text)
		op.Expected, op.Value = parseValue(from), parseValue(to)
		op.Applied = known && len(ended) == 0
	default:
		op.Value = parseValue(text)
	}
	switch {
	case len(ended) == 0:
	case ended[0] == "fail":
		op.Result = history.Result{Outcome: history.Fail, Error: "connection refused"}
	case ended[0] == "blind":
		op.Blind = true
	case ended[0] == "final":
		op.Final = true
	default:
		require.Len(t, ended, 2)
		op.Returned = parseValue(ended[1])
	}
}

func parseValue(text string) history.Value {
	if text == "-" {
		return history.Value{}
	}
	return history.NewValue(text)
}

// pointers returns pointers to ops, as the package passes the operations of a key around.
func pointers(ops []history.Operation) []*history.Operation {
	all := make([]*history.Operation, len(ops))
	for i := range ops {
		all[i] = &ops[i]
	}
	return all
}

// modelOf returns the model that judges ops.
func modelOf(ops []history.Operation) Model {
	for _, op := range ops {
		if op.Kind == history.Propose || op.Kind == history.Learn {
			return Decision()
		}
	}
	return Register()
}

// check is Check with a bound that small histories never reach.
func check(t testing.TB, ops []history.Operation, options Options) Report {
	t.Helper()
	report, err := Check(t.Context(), modelOf(ops), ops, options)
	require.NoError(t, err)
	return report
}
