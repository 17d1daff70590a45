package replica

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// latency is what every message takes in a timed cluster.
const latency = 5 * time.Millisecond

// A timed cluster has a network that takes equally long for every message, and loses none.
type timed struct {
	*cluster
	due     []time.Duration
	answers map[uint64]Answer
}

func newTimed(size int, rules paxos.Rules, config Config) *timed {
	config.Rules = rules
	n := &timed{answers: make(map[uint64]Answer)}
	n.cluster = newCluster(size, config, n)
	return n
}

func (n *timed) sent(paxos.Message)             { n.due = append(n.due, n.now+latency) }
func (n *timed) answered(_ *member, a Answer)   { n.answers[a.Number] = a }
func (n *timed) held(paxos.Message)             {}
func (n *timed) written(*member, Persist)       {}
func (n *timed) synced(*member, Persist)        {}
func (n *timed) set(*member, SetTimer)          {}
func (n *timed) ask(on paxos.NodeID, r Request) { n.step(n.member(on), r) }

// until lets time pass. Messages and timers come in the order of their times, messages first.
func (n *timed) until(end time.Duration) {
	for {
		m, a := n.earliest()
		switch {
		case len(n.due) > 0 && n.due[0] <= end && (m == nil || n.due[0] <= a.due):
			n.now, n.due = n.due[0], n.due[1:]
			n.deliver(n.take(0))
		case m != nil && a.due <= end:
			n.fire(m, a)
		default:
			n.now = end
			return
		}
	}
}

func planted(t *testing.T, bug string) paxos.Rules {
	rules, err := paxos.BugNamed(bug)
	require.NoError(t, err)
	return rules
}

// Three proposers in lockstep: each one's prepare overtakes the accept of the one before. A refused
// one learns of it after four latencies and waits for the limit of the back-off, here 4 ms: 24 ms
// from ballot to ballot. 8 ms apart, they go on like this for ever, unless their waits are random.
//
// It takes three: two proposers of equal latency cannot keep up a rhythm, since each is open to
// being overtaken for two latencies out of the four and the wait.
func TestProposersInLockstepFinishOnlyWithJitter(t *testing.T) {
	config := DefaultConfig
	config.RequestTimeout, config.BackoffLimit = time.Minute, 4*time.Millisecond
	duel := func(rules paxos.Rules) *timed {
		n := newTimed(5, rules, config)
		for i := range 3 {
			n.until(time.Duration(i) * 8 * time.Millisecond)
			n.ask(paxos.NodeID(i+1), write(uint64(i+1), "value"))
		}
		n.until(30 * time.Second)
		return n
	}
	n := duel(planted(t, "livelock"))
	require.Empty(t, n.answers)
	refused := n.member(1).replica.Stats().Refused
	require.Greater(t, refused, uint64(1000), "it goes on trying")

	n = duel(paxos.Correct())
	require.Len(t, n.answers, 3)
	for _, a := range n.answers {
		require.Equal(t, Done, a.Outcome)
	}
}

// A node that was not asked for long has seen no high ballot. Its first one is refused, and the
// refusal names the ballot to beat: the second is high enough. Without that jump it climbs step by
// step, and its time is over before it arrives, although nobody else is working.
func TestAProposerThatFellBehindJumpsToTheBallotOfTheRefusal(t *testing.T) {
	catchUp := func(rules paxos.Rules) (Answer, Stats) {
		n := newTimed(3, rules, DefaultConfig)
		n.crash(n.member(1), 0)
		for i := range uint64(100) {
			n.ask(2, write(100+i, "busy"))
			n.until(n.now + 4*latency)
			require.Equal(t, Done, n.answers[100+i].Outcome)
		}
		n.start(n.member(1))
		n.ask(1, write(1, "late"))
		n.until(n.now + time.Second)
		return n.answers[1], n.member(1).replica.Stats()
	}
	answer, stats := catchUp(planted(t, "livelock"))
	require.Equal(t, NotApplied, answer.Outcome)
	require.Greater(t, stats.Refused, uint64(20))

	answer, stats = catchUp(paxos.Correct())
	require.Equal(t, Done, answer.Outcome)
	require.LessOrEqual(t, stats.Refused, uint64(1))
}

// With nothing in the way an operation takes what the design says: a first write two round trips,
// every later one of the same node one, and a read one.
func TestRoundTrips(t *testing.T) {
	n := newTimed(5, paxos.Correct(), DefaultConfig)
	read := Request{Key: keyX, Change: paxos.Change{Kind: paxos.ChangeRead}}
	takes := func(on paxos.NodeID, r Request, trips int) {
		t.Helper()
		start := n.now
		n.ask(on, r)
		n.until(start + time.Duration(2*trips)*latency - 1)
		require.NotContains(t, n.answers, r.Number)
		n.until(start + time.Duration(2*trips)*latency)
		require.Equal(t, Done, n.answers[r.Number].Outcome)
	}
	takes(1, write(1, "a"), 2)
	takes(1, write(2, "b"), 1)
	takes(1, write(3, "c"), 1)
	read.Number = 4
	takes(2, read, 1)
	takes(2, write(5, "d"), 2)
	require.EqualValues(t, 2, n.member(1).replica.Stats().Resumed)
}
