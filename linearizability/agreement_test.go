package linearizability

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

// life returns the steps of one fault on n2, at the indices given.
func life(kind string, phases map[int64]history.Phase) []history.Event {
	var events []history.Event
	for index := range int64(100) {
		if phase, ok := phases[index]; ok {
			events = append(events, history.Event{
				Index: index, Type: history.TypeFault, Fault: &history.Fault{
					ID: "f1", Kind: kind, Phase: phase, Nodes: []string{"n2"}},
			})
		}
	}
	return events
}

// across is the life of a fault that lasts from 14 to 17, between what a learner knew and what it
// forgot.
func across(kind string) []history.Event {
	return life(kind, map[int64]history.Phase{
		14: history.Invoked, 15: history.Injected, 16: history.Healing, 17: history.Healed})
}

// of moves faults to another node.
func of(node string, events []history.Event) []history.Event {
	for _, e := range events {
		e.Fault.Nodes = []string{node}
	}
	return events
}

func killed(from, to int64) []history.Event {
	return life("kill", map[int64]history.Phase{
		from: history.Invoked, from + 1: history.Injected, to: history.Healed})
}

func exited(node string, index int64) []history.Event {
	return []history.Event{{
		Index: index, Type: history.TypeMark,
		Mark: &history.Mark{Name: history.MarkExit, Node: node},
	}}
}

// forgets is a learner that forgets, and forgotten what is said of it.
const forgets = "c1 propose 1 0..1 told 1\nc2 learn 1 10..11\nc2 learn - 20..21"

const forgotten = "c2 learned nothing from n2 at 21.00 s; " +
	"c2 learned 1 from n2 9.00 s earlier, and n2 had not been restarted"

// decisionCases has decisions that are legal, without a class, and violations of each property.
var decisionCases = []struct {
	name, text string
	events     []history.Event
	class      Class
	sentence   string
}{
	{name: "all agree", text: `c1 propose 1 0..3 told 1
		c2 propose 2 0..3 told 1
		c3 learn - 1..2
		c3 learn 1 4..5
		c4 propose 4 6..7 fail
		c5 propose 5 6..?`},
	{name: "the value of a proposal of unknown outcome", text: `c1 propose 1 0..?
		c2 propose 2 2..3 told 1
		c3 learn 1 4..5`},
	{name: "a learner that knows nothing yet", text: "c3 learn - 1..2"},
	{name: "a learner knows nothing after another one knew",
		text: "c1 propose 1 0..1 told 1\nc2 learn 1 2..3\nc3 learn - 4..5"},
	{name: "a learner knows nothing while it learns",
		text: "c1 propose 1 0..1 told 1\nc2 learn 1 2..5\nc2 learn - 3..6"},

	{name: "a learner disagrees with a proposer",
		text:  "c1 propose 1 0..1 told 1\nc2 propose 2 0..?\nc3 learn 2 2..3",
		class: DecisionChanged, sentence: "c3 learned 2 from n3 at 3.00 s; " +
			"c1 was told by n1 that 1 was chosen 1.00 s earlier"},
	{name: "learners disagree",
		text: `c1 propose 1 0..?
			c2 propose 2 0..?
			c3 learn 2 2..4
			c4 learn 1 3..5`,
		class: TwoWinners, sentence: "c4 learned 1 from n4 at 5.00 s; " +
			"c3 learned 2 from n3 at the same time"},
	{name: "a learner learns something else",
		text: `c1 propose 1 0..?
			c2 propose 2 0..?
			c3 learn 2 2..4
			c3 learn 1 6..7`,
		class: DecisionChanged, sentence: "c3 learned 1 from n3 at 7.00 s; " +
			"c3 learned 2 from n3 2.00 s earlier"},

	{name: "a value that nobody proposed", text: "c1 propose 1 0..?\nc3 learn 2 2..4",
		class:    NeverWritten,
		sentence: "c3 learned 2 from n3 at 4.00 s; nobody had ever proposed 2"},
	{name: "a value of a proposal that certainly failed",
		text:  "c1 propose 1 0..1 fail\nc3 learn 1 2..4",
		class: NeverWritten, sentence: "c3 learned 1 from n3 at 4.00 s; c1 called propose 1 " +
			"at n1, but that certainly did not happen: connection refused"},
	{name: "a value that is proposed later", text: "c3 learn 1 2..4\nc1 propose 1 5..6 told 1",
		class: FromTheFuture, sentence: "c3 learned 1 from n3 at 4.00 s; " +
			"c1 called propose 1 at n1 only 1.00 s later"},
	{name: "a proposer that is told nothing", text: "c1 propose 1 0..1 told -",
		class: Contradiction, sentence: "c1 was told by n1 that nothing was chosen at 1.00 s"},

	{name: "a learner forgets", text: forgets, class: Forgotten, sentence: forgotten},
	{name: "across a kill", text: forgets, events: killed(14, 17)},
	{name: "across a kill that began before", text: forgets, events: killed(5, 17)},
	{name: "across a kill that was not healed in the record", text: forgets,
		events: life("kill", map[int64]history.Phase{14: history.Invoked})},
	{name: "across a kill that may have happened", text: forgets,
		events: life("kill", map[int64]history.Phase{
			14: history.Invoked, 15: history.Indeterminate})},
	{name: "across an exit", text: forgets, events: exited("n2", 15)},
	{name: "across the exit of another node", text: forgets, events: exited("n1", 15),
		class: Forgotten, sentence: forgotten},
	{name: "across a kill that was skipped", text: forgets,
		events: life("kill", map[int64]history.Phase{
			14: history.Invoked, 15: history.Skipped}),
		class: Forgotten, sentence: forgotten},
	{name: "after a kill before", text: forgets, events: killed(3, 6),
		class: Forgotten, sentence: forgotten},
	{name: "before a kill later", text: forgets, events: killed(30, 32),
		class: Forgotten, sentence: forgotten},
	{name: "across a stop", text: forgets, events: across("stop")},
	{name: "across a wipe", text: forgets, events: across("wipe")},
	{name: "across a pause", text: forgets, events: across("pause"),
		class: Forgotten, sentence: forgotten},
	{name: "across a partition", text: forgets, events: across("partition"),
		class: Forgotten, sentence: forgotten},
	{name: "across a clock that drifts", text: forgets, events: across("drift"),
		class: Forgotten, sentence: forgotten},
	{name: "across a slow disk", text: forgets, events: across("slow-disk"),
		class: Forgotten, sentence: forgotten},
	{name: "across packets that are lost", text: forgets, events: across("packets"),
		class: Forgotten, sentence: forgotten},
	{name: "across a crash", text: forgets, events: across("crash")},
	{name: "across a broken disk", text: forgets, events: across("broken-disk")},
	{name: "across a pause that may have happened", text: forgets,
		events: life("pause", map[int64]history.Phase{
			14: history.Invoked, 15: history.Indeterminate}),
		class: Forgotten, sentence: forgotten},
	{name: "across a pause that ended in a kill by others", text: forgets,
		events: slices.Concat(across("pause"), []history.Event{{
			Index: 18, Type: history.TypeMark,
			Mark: &history.Mark{Name: history.MarkKilled, Node: "n2"},
		}})},
	{name: "across a pause and the stop of another node", text: forgets,
		events: of("n1", across("stop")), class: Forgotten, sentence: forgotten},
	// A kind that is not known here can only be excused: a restart that was overlooked would make
	// a violation of it.
	{name: "across a fault of another kind", text: forgets, events: across("power-cut")},
	{name: "knowing again and forgetting again",
		text:   forgets + "\nc2 learn 1 30..31\nc2 learn - 40..41",
		events: killed(14, 17), class: Forgotten,
		sentence: "c2 learned nothing from n2 at 41.00 s; " +
			"c2 learned 1 from n2 9.00 s earlier, and n2 had not been restarted"},
}

func TestDecisionsByRule(t *testing.T) {
	for _, test := range decisionCases {
		t.Run(test.name, func(t *testing.T) {
			ops := parse(t, test.text)
			report, err := CheckDecision(ops, test.events)
			require.NoError(t, err)
			require.Equal(t, 1, report.Keys)
			if test.class == "" {
				require.Equal(t, Legal, report.Verdict)
				require.Empty(t, report.Violations)
				return
			}
			require.Equal(t, Illegal, report.Verdict)
			require.Len(t, report.Violations, 1)
			e := report.Violations[0]
			require.Equal(t, test.sentence, e.Sentence)
			require.Equal(t, test.class, e.Class)
			require.Equal(t, "r0", e.Key)
			require.NotEmpty(t, e.Operations)
		})
	}
}

func TestDecisionsAreCountedAndKeysAreTheirOwn(t *testing.T) {
	ops := parse(t, `c1 propose 1 0..1 told 1
		c2 learn 1 2..3
		c2 learn - 0..1
		c3 propose 2 0..1 told 2
		c3 propose 3 2..?`)
	ops[3].Key, ops[4].Key = "r1", "r1"
	report, err := CheckDecision(ops, nil)
	require.NoError(t, err)
	require.Equal(t, DecisionReport{Verdict: Legal, Keys: 2, Told: 2, Learned: 1}, report)
}

func TestDecisionsOfARegisterAreAnError(t *testing.T) {
	_, err := CheckDecision(parse(t, "c1 write 1 0..1"), nil)
	require.ErrorIs(t, err, ErrInvalid)
}

// Learners are not judged by linearizability: one that knows nothing yet is no violation.
func TestLearnersAreNoPartOfTheModel(t *testing.T) {
	ops := parse(t, "c1 propose 1 0..1 told 1\nc2 learn - 2..3\nc2 learn 9 4..5")
	report := check(t, ops, Options{})
	require.Equal(t, Legal, report.Verdict)
	require.Equal(t, 1, report.Operations)
}
