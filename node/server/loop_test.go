package server

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/node/paxos"
	"ordeal/node/replica"
)

// newTestLoop returns the loop of node 1 of three on a log. Its network has queues and no socket.
func newTestLoop(d *disk) *loop {
	peers := map[paxos.NodeID]string{1: "", 2: "", 3: ""}
	o := Options{Number: 1, Peers: peers}
	r := replica.New(o.config(paxos.Correct(), 1), maps.All(map[paxos.Key]paxos.Acceptor{}))
	count := newInstruments()
	n := &network{
		outgoing: make(chan paxos.Message, queueMax),
		received: make(chan paxos.Message, queueMax),
		count:    count,
	}
	return newLoop(1, r, d, n, count)
}

func prepare(round uint64) paxos.Message {
	return paxos.Message{
		Kind: paxos.Prepare, From: 2, To: 1, Key: paxos.Key{Name: "k"},
		Ballot: paxos.Ballot{Round: round, Node: 2, Boot: 1},
	}
}

// Paxos Made Simple, 2.5: an acceptor remembers what it must "in stable storage before actually
// sending the response". A promise does not leave before its sync has ended, and does afterwards.
func TestPromiseWaitsForItsSync(t *testing.T) {
	gated, log := openGated(t)
	d, _ := runDisk(t, log)
	l := newTestLoop(d)
	go l.run()
	l.network.received <- prepare(1)
	<-gated.arrived
	now, ok := l.inspect()
	require.True(t, ok)
	require.Equal(t, 1, now.held)
	require.Empty(t, l.network.outgoing)

	gated.passed <- struct{}{}
	promise := <-l.network.outgoing
	require.Equal(t, paxos.Promise, promise.Kind)
	require.EqualValues(t, 1, d.synced.Load())
	l.stop()
	require.NoError(t, d.stop(patience))
}

// What a message says about unsynced memory waits too, even if it changes nothing: a report, and an
// answer of the node to itself.
func TestReportWaitsForWhatItReports(t *testing.T) {
	gated, log := openGated(t)
	d, _ := runDisk(t, log)
	l := newTestLoop(d)
	go l.run()
	l.network.received <- prepare(1)
	<-gated.arrived
	query := paxos.Message{Kind: paxos.Query, From: 3, To: 1, Key: paxos.Key{Name: "k"}, Nonce: 5}
	l.network.received <- query
	answers := make(chan replica.Answer, 1)
	go func() {
		answers <- l.perform(replica.Request{
			Key: paxos.Key{Name: "k"}, Change: paxos.Change{Kind: paxos.ChangeRead},
		})
	}()
	// Its queries to the others leave at once; held are the promise, the report and its own.
	for range 2 {
		require.Equal(t, paxos.Query, (<-l.network.outgoing).Kind)
	}
	require.Eventually(t, func() bool {
		now, _ := l.inspect()
		return now.held >= 3
	}, patience, time.Millisecond)
	gated.passed <- struct{}{}
	kinds := make(map[paxos.MessageKind]bool)
	for !kinds[paxos.Promise] || !kinds[paxos.Report] {
		kinds[(<-l.network.outgoing).Kind] = true
	}
	l.stop()
	answer := <-answers
	require.NotEqual(t, replica.Done, answer.Outcome, "a majority did not report")
	require.NoError(t, d.stop(patience))
}

// Whatever the order of messages and syncs: nothing is sent before its Persist is synced, and
// nothing is held once everything is.
func TestHoldBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := newDisk(nil, nil, newInstruments())
		l := newTestLoop(d)
		round, synced := uint64(0), uint64(0)
		sent := func() {
			for len(l.network.outgoing) > 0 {
				m := <-l.network.outgoing
				if m.Ballot.Round > synced {
					t.Fatalf("%s left when %d were synced", m, synced)
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"message": func(*rapid.T) {
				round++ // the Persist with this number
				l.receive(prepare(round))
				sent()
			},
			"sync": func(t *rapid.T) {
				synced = rapid.Uint64Range(synced, round).Draw(t, "synced")
				d.synced.Store(synced)
				l.release()
				sent()
				if l.gate.Held() != int(round-synced) {
					t.Fatalf("%d are held, %d of %d synced", l.gate.Held(), synced, round)
				}
			},
		})
	})
}

// A disk that is far behind makes what arrives a loss: what waits is bounded.
func TestWhatWaitsForTheDiskIsBounded(t *testing.T) {
	l := newTestLoop(newDisk(nil, nil, newInstruments()))
	for round := range uint64(replica.HeldMax + 10) {
		l.receive(prepare(round + 1))
	}
	require.Equal(t, replica.HeldMax, l.gate.Held())
	require.Len(t, l.disk.queue, replica.HeldMax)
	require.EqualValues(t, 10, dropsOf(l.count, dropBusy))
}

func TestOwnMessagesTakeLaterSteps(t *testing.T) {
	l := newTestLoop(newDisk(nil, nil, newInstruments()))
	answer := make(chan replica.Answer, 1)
	read := replica.Request{Key: paxos.Key{Name: "k"}, Change: paxos.Change{Kind: paxos.ChangeRead}}
	l.ask(ask{read, answer})
	require.Len(t, l.own, 1, "the query to the node itself")
	require.Len(t, l.network.outgoing, 2, "and one to each peer")
	require.EqualValues(t, 1, l.own[0].To)
}

func TestRequestsOfAStoppedLoop(t *testing.T) {
	l := newTestLoop(newDisk(nil, nil, newInstruments()))
	go l.run()
	write := replica.Request{
		Key:    paxos.Key{Name: "k"},
		Change: paxos.Change{Kind: paxos.ChangeWrite, Content: []byte("x")},
	}
	answers := make(chan replica.Answer, 1)
	go func() { answers <- l.perform(write) }()
	<-l.network.outgoing // its first message: the loop has it
	l.stop()
	require.Equal(t, replica.Unknown, (<-answers).Outcome)
	require.Equal(t, replica.NotApplied, l.perform(write).Outcome)
	_, ok := l.inspect()
	require.False(t, ok)
}

// Timers fire in the order of their times, whatever the order in which they were set.
func TestTimers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		timers := newTimers()
		defer timers.alarm.Stop()
		start := time.Now().Add(time.Hour)
		delays := rapid.SliceOf(rapid.IntRange(0, 20)).Draw(t, "delays")
		for i, delay := range delays {
			timers.set(uint64(i), start.Add(time.Duration(delay)))
		}
		fired := 0
		for now := range 21 {
			for {
				number, ok := timers.due(start.Add(time.Duration(now)))
				if !ok {
					break
				}
				fired++
				if delays[number] != now {
					t.Fatalf("timer %d fired at %d, not at %d", number, now, delays[number])
				}
			}
		}
		if fired != len(delays) {
			t.Fatalf("%d of %d fired", fired, len(delays))
		}
	})
}

func TestAlarmIsSetToTheEarliestTimer(t *testing.T) {
	timers := newTimers()
	defer timers.alarm.Stop()
	timers.set(1, time.Now().Add(time.Hour))
	timers.set(2, time.Now())
	<-timers.alarm.C
	number, ok := timers.due(time.Now())
	require.True(t, ok)
	require.EqualValues(t, 2, number)
	_, ok = timers.due(time.Now())
	require.False(t, ok)
	timers.set(3, time.Now())
	<-timers.alarm.C
}
