package replica

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"

	"ordeal/node/paxos"
)

// The transcripts in testdata show the node's behaviour message by message, and say in prose what
// to look at. After a change that is meant, write them again and read the difference:
//
//	go test ./node/replica -run Transcripts -rewrite
//
// Their commands:
//
//	cluster nodes=N [sync=later] [bug=B]  begin again with N nodes; nothing is synced by itself
//	write|cas|read|propose|learn|local node=N [key=K] [value=V] [expect=V]
//	                                      ask a node; no expect: the key was never written
//	deliver|repeat|drop [kind=K] [from=N] [to=N]
//	                                      the messages under way that match, oldest first; repeat
//	                                      delivers a message and leaves it under way
//	run                                   deliver until nothing is under way; shows answers only
//	sync|crash|restart node=N [reached=R] of what is unsynced, R entries reached the disk
//	wipe node=N                           a crash after which the disk is empty
//	damage node=N batch=B                 a crash after which a batch of the log, from 0, is harmed,
//	                                      which another follows
//	timer node=N is=retransmit|deadline|back-off
//	pool                                  what is under way
//	disks [key=K]                         what survives a crash
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s := &script{}
			datadriven.RunTest(t, file, s.command)
		})
	}
}

// A script plays a transcript.
type script struct {
	cluster *cluster
	out     strings.Builder
	indent  string
	// answersOnly leaves everything else out.
	answersOnly bool
	number      uint64
}

func (s *script) command(t *testing.T, d *datadriven.TestData) string {
	s.out.Reset()
	switch d.Cmd {
	case "cluster":
		var size int
		d.ScanArgs(t, "nodes", &size)
		var bug string
		d.MaybeScanArgs(t, "bug", &bug)
		s.number = 0
		s.cluster = newCluster(size, walkConfig(planted(t, bug)), s)
		s.cluster.syncLater = d.HasArg("sync")
	case "write", "cas", "read", "propose", "learn", "local":
		s.ask(t, d)
	case "deliver", "repeat", "drop":
		s.move(t, d)
	case "run":
		s.answersOnly = true
		for len(s.cluster.pool) > 0 {
			s.cluster.deliver(s.cluster.take(0))
		}
		s.answersOnly = false
	case "pool":
		for _, m := range s.cluster.pool {
			s.line("%s", m)
		}
	case "disks":
		for _, m := range s.cluster.members {
			a := m.disk[s.key(t, d, paxos.Registers)]
			s.line("n%d promised=%s accepted=%s", m.id, a.Promised, a.Accepted)
		}
	default:
		s.control(t, d)
	}
	if s.out.Len() == 0 {
		return "ok\n"
	}
	return s.out.String()
}

// control does what is done to a node.
func (s *script) control(t *testing.T, d *datadriven.TestData) {
	m := s.member(t, d)
	switch d.Cmd {
	case "sync":
		s.cluster.sync(m)
	case "crash":
		reached := 0
		d.MaybeScanArgs(t, "reached", &reached)
		s.cluster.crash(m, reached)
	case "wipe":
		s.cluster.wipe(m)
	case "damage":
		var batch int
		d.ScanArgs(t, "batch", &batch)
		require.Less(t, batch, len(m.log)-1, "%s: no other batch follows", d.Pos)
		s.cluster.damage(m, batch)
	case "restart":
		switch {
		case s.cluster.start(m):
			s.line("n%d boot %d", m.id, m.boot)
		case m.wiped:
			s.line("n%d stays out: its disk is empty", m.id)
		default:
			s.line("n%d stays out: its log is damaged", m.id)
		}
	case "timer":
		var kind string
		d.ScanArgs(t, "is", &kind)
		place := slices.IndexFunc(s.cluster.live(m), func(a alarm) bool {
			return s.timerName(a.SetTimer) == kind
		})
		require.GreaterOrEqual(t, place, 0, "%s: n%d has no such timer", d.Pos, m.id)
		s.cluster.fire(m, m.timers[place])
	default:
		d.Fatalf(t, "unknown command")
	}
}

func (s *script) ask(t *testing.T, d *datadriven.TestData) {
	s.number++
	r := Request{Number: s.number, Key: s.key(t, d, paxos.Registers)}
	r.Learn, r.Local = d.Cmd == "learn", d.Cmd == "local"
	kinds := map[string]paxos.ChangeKind{
		"write": paxos.ChangeWrite, "cas": paxos.ChangeCompareAndSet, "read": paxos.ChangeRead,
		"propose": paxos.ChangePropose,
	}
	r.Change.Kind = kinds[d.Cmd]
	if d.Cmd == "propose" || r.Learn {
		r.Key.Space = paxos.Decrees
	}
	var value, expected string
	d.MaybeScanArgs(t, "value", &value)
	r.Change.ExpectNothing = !d.MaybeScanArgs(t, "expect", &expected)
	r.Change.Content, r.Change.Expected = []byte(value), []byte(expected)
	m := s.member(t, d)
	s.line("n%d is asked #%d", m.id, s.number)
	s.indent = "  "
	s.cluster.step(m, r)
	s.indent = ""
}

// move delivers, repeats or drops the messages that match.
func (s *script) move(t *testing.T, d *datadriven.TestData) {
	matches := func(m paxos.Message) bool {
		return s.selects(t, d, "kind", m.Kind.String()) &&
			s.selects(t, d, "from", strconv.Itoa(int(m.From))) &&
			s.selects(t, d, "to", strconv.Itoa(int(m.To)))
	}
	var chosen, others []paxos.Message
	for _, m := range s.cluster.pool {
		if matches(m) {
			chosen = append(chosen, m)
		}
		if d.Cmd == "repeat" || !matches(m) {
			others = append(others, m)
		}
	}
	require.NotEmpty(t, chosen, "%s: no message matches", d.Pos)
	s.cluster.pool = others
	for _, m := range chosen {
		if d.Cmd == "drop" {
			s.line("lost: %s", m)
			continue
		}
		s.line("%s", m)
		s.indent = "  "
		s.cluster.deliver(m)
		s.indent = ""
	}
}

// selects tells whether a command's argument names the value, or nothing at all.
func (s *script) selects(t *testing.T, d *datadriven.TestData, name, value string) bool {
	arg, ok := d.Arg(name)
	require.True(t, !ok || len(arg.Vals) > 0, "%s: %s needs a value", d.Pos, name)
	return !ok || slices.Contains(arg.Vals, value)
}

func (s *script) member(t *testing.T, d *datadriven.TestData) *member {
	var node int
	d.ScanArgs(t, "node", &node)
	return s.cluster.member(paxos.NodeID(node))
}

func (s *script) key(t *testing.T, d *datadriven.TestData, space paxos.Space) paxos.Key {
	name := "x"
	d.MaybeScanArgs(t, "key", &name)
	if d.HasArg("decree") {
		space = paxos.Decrees
	}
	return paxos.Key{Space: space, Name: name}
}

func (s *script) line(format string, values ...any) {
	if !s.answersOnly {
		fmt.Fprintf(&s.out, s.indent+format+"\n", values...)
	}
}

func (s *script) timerName(t SetTimer) string {
	switch t.After {
	case s.cluster.config.RequestTimeout:
		return "deadline"
	case s.cluster.config.Retransmit:
		return "retransmit"
	default:
		return "back-off"
	}
}

func (s *script) sent(m paxos.Message) { s.line("%s", m) }
func (s *script) held(m paxos.Message) { s.line("held: %s", m) }

func (s *script) written(on *member, p Persist) {
	writes := "writes"
	if p.Unsynced {
		writes = "writes without a sync"
	}
	s.line("n%d %s promised=%s accepted=%s", on.id, writes, p.Acceptor.Promised,
		p.Acceptor.Accepted)
}

func (s *script) synced(*member, Persist) {}

func (s *script) set(on *member, t SetTimer) {
	if s.timerName(t) == "back-off" {
		s.line("n%d backs off", on.id)
	}
}

func (s *script) answered(on *member, a Answer) {
	said := a.Outcome.String()
	switch {
	case a.Outcome != Done:
		said += ": " + a.Reason
	case a.Result.Present:
		said += fmt.Sprintf(" %q", a.Result.Content)
	default:
		said += " nothing"
	}
	if a.Result.Swapped {
		said += ", swapped"
	}
	answersOnly := s.answersOnly
	s.answersOnly = false
	s.line("n%d answers #%d %s", on.id, a.Number, said)
	s.answersOnly = answersOnly
}
