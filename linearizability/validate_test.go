package linearizability

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// Porcupine would judge most of these illegal without a word.
func TestAnInvalidHistoryIsAnErrorAndNoViolation(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(ops []history.Operation)
		want  string
	}{
		"no return": {func(ops []history.Operation) {
			ops[1].Return = history.NoReturn
		}, "operation 2: its outcome is ok, but it does not return"},
		"a failure without a return": {func(ops []history.Operation) {
			ops[1].Outcome, ops[1].Return = history.Fail, history.NoReturn
		}, "operation 2: its outcome is fail, but it does not return"},
		"a return before the call": {func(ops []history.Operation) {
			ops[1].Return = 1
		}, "operation 2: it returns at 1, before its call at 2"},
		"no call": {func(ops []history.Operation) {
			ops[0].Call = -1
		}, "operation 1: it has no call"},
		"an unknown outcome with a return": {func(ops []history.Operation) {
			ops[1].Outcome = history.Info
		}, "operation 2: its outcome is unknown, but it returns at 3"},
		"no outcome": {func(ops []history.Operation) {
			ops[1].Outcome = ""
		}, `operation 2: the outcome "" is not known`},
		"a kind of another model": {func(ops []history.Operation) {
			ops[0].Kind = history.Propose
		}, `operation 1: the model register does not know the kind "propose"`},
		"an operation that is there twice": {func(ops []history.Operation) {
			ops[1].ID = 1
		}, "operation 1 is there twice"},
		"a process that does two things at once": {func(ops []history.Operation) {
			ops[0].Return, ops[1].Process = 3, ops[0].Process
		}, "process 0 calls operation 2 before operation 1 has returned"},
		"a process that goes on after an unknown outcome": {func(ops []history.Operation) {
			ops[0].Outcome, ops[0].Return = history.Info, history.NoReturn
			ops[1].Process = ops[0].Process
		}, "process 0 calls operation 2 after operation 1, the outcome of which is unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			ops := parse(t, "c1 write 1 0..1\nc2 read 1 2..3")
			require.Equal(t, Legal, check(t, ops, Options{}).Verdict)
			test.spoil(ops)
			_, err := Check(t.Context(), Register(), ops, Options{})
			require.ErrorIs(t, err, ErrInvalid)
			require.ErrorContains(t, err, test.want)
			require.ErrorIs(t, Page(t.Output(), Register(), ops), ErrInvalid)
		})
	}
}

func TestAProcessMayCallWhenItReturns(t *testing.T) {
	ops := parse(t, "c1 write 1 0..2\nc2 read 1 2..3")
	ops[1].Process = ops[0].Process
	require.Equal(t, Legal, check(t, ops, Options{}).Verdict)
}

func TestModelsHaveNames(t *testing.T) {
	for _, m := range Models() {
		same, err := ModelNamed(m.Name())
		require.NoError(t, err)
		require.Equal(t, m, same)
	}
	_, err := ModelNamed("queue")
	require.EqualError(t, err, `there is no model "queue" (known are decision, register)`)
}
