package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A fakeFirewall remembers what it was told. It is shared by the workers of a test, as the kernel's
// table is.
type fakeFirewall struct {
	mu      sync.Mutex
	watched map[netip.Addr]bool
	dropped map[netip.Addr]bool
	fails   error
	// heals holds a token for each time that all drops were removed, up to its size.
	heals chan struct{}
}

func newFakeFirewall() *fakeFirewall {
	return &fakeFirewall{
		watched: make(map[netip.Addr]bool), dropped: make(map[netip.Addr]bool),
		heals: make(chan struct{}, 10),
	}
}

// fail makes every change fail from now on, with nil none.
func (f *fakeFirewall) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fails = err
}

// awaitHeals waits until all drops have been removed so many times.
func (f *fakeFirewall) awaitHeals(times int) {
	for range times {
		<-f.heals
	}
}

func (f *fakeFirewall) watch(peers []netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, peer := range peers {
		f.watched[peer] = true
	}
	return f.fails
}

func (f *fakeFirewall) drop(peers []netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fails != nil {
		return f.fails
	}
	if len(peers) == 0 {
		select {
		case f.heals <- struct{}{}:
		default:
		}
	}
	f.dropped = make(map[netip.Addr]bool)
	for _, peer := range peers {
		f.dropped[peer] = true
	}
	return nil
}

func (f *fakeFirewall) read() (map[netip.Addr]counts, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[netip.Addr]counts)
	for peer := range f.dropped {
		all[peer] = counts{cut: true, dropped: 5}
	}
	return all, nil
}

func (f *fakeFirewall) close() error { return nil }

func (f *fakeFirewall) drops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.dropped)
}

// A bench is a worker on a table: what it is sent, and what it says.
type bench struct {
	t        *testing.T
	firewall *fakeFirewall
	in       *io.PipeWriter
	out      *bufio.Scanner
	stop     context.CancelFunc
	done     chan error
}

// newBench starts a worker that probes on loopback.
func newBench(t *testing.T, f *fakeFirewall, silence time.Duration) *bench {
	t.Helper()
	inReader, inWriter := io.Pipe()
	outReader, outWriter := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	b := &bench{
		t: t, firewall: f, in: inWriter, out: bufio.NewScanner(outReader), stop: stop,
		done: make(chan error, 1),
	}
	port := freePort(t)
	w := newWorker(4, outWriter)
	w.silence = silence
	w.openFirewall = func() (firewall, error) { return f, nil }
	w.startProber = func(c Configuration) (*prober, error) {
		return startProber(netip.AddrPortFrom(loopback(1), port), c.Node, nil, time.Hour)
	}
	go func() {
		b.done <- w.run(ctx, inReader)
		_ = outWriter.Close()
	}()
	t.Cleanup(func() {
		stop()
		_ = inWriter.Close()
		_ = outReader.Close()
		<-b.done
	})
	hello := b.hear()
	require.Zero(t, hello.ID)
	require.Equal(t, 4, hello.Report.Worker)
	return b
}

// hear returns the next response.
func (b *bench) hear() Response {
	b.t.Helper()
	for b.out.Scan() {
		if len(b.out.Bytes()) > 0 {
			var response Response
			require.NoError(b.t, json.Unmarshal(b.out.Bytes(), &response))
			return response
		}
	}
	b.t.Fatal("the worker has nothing more to say")
	return Response{}
}

func (b *bench) send(line string) {
	b.t.Helper()
	_, err := io.WriteString(b.in, line+"\n")
	require.NoError(b.t, err)
}

const configuration = `"configuration":{"node":"n1","addresses":` +
	`{"n1":"127.0.77.1","n2":"127.0.77.2","n3":"127.0.77.3"}}`

func TestWorkerCarriesOutRequests(t *testing.T) {
	b := newBench(t, newFakeFirewall(), time.Hour)
	b.send(`{"id":1,` + configuration + `,"drop":["n3"]}`)
	answer := b.hear()
	require.Equal(t, int64(1), answer.ID)
	require.Empty(t, answer.Error)
	require.Equal(t, map[string]Peer{
		"n2": {Quiet: -1}, "n3": {Cut: true, Dropped: 5, Quiet: -1},
	}, answer.Report.Peers)
	require.Len(t, b.firewall.watched, 2, "not itself")

	b.send(`{"id":2,` + configuration + `}`)
	require.True(t, b.hear().Report.Peers["n3"].Cut, "a question changes nothing")
	b.send(`{"id":3,` + configuration + `,"drop":[]}`)
	require.False(t, b.hear().Report.Peers["n3"].Cut)
}

func TestWorkerRefuses(t *testing.T) {
	b := newBench(t, newFakeFirewall(), time.Hour)
	b.send(`{"id":1,` + configuration + `,"drop":["n9"]}`)
	require.Contains(t, b.hear().Error, `no peer "n9"`)
	b.send(`{"id":2,"configuration":{"node":"n1","addresses":{"n2":"fe80::1"}}}`)
	require.Contains(t, b.hear().Error, "not an IPv4 address")
	b.firewall.fail(errors.New("no rules today"))
	b.send(`{"id":3,` + configuration + `,"drop":["n2"]}`)
	require.Equal(t, "no rules today", b.hear().Error)
}

// The end of a line whose beginning a former worker took with it is not answered.
func TestWorkerIgnoresHalfLines(t *testing.T) {
	b := newBench(t, newFakeFirewall(), time.Hour)
	b.send(`"n2"]}`)
	b.send(`{"drop":["n2"]}`)
	b.send(`{"id":7,` + configuration + `}`)
	require.Equal(t, int64(7), b.hear().ID)
	require.Zero(t, b.firewall.drops())
}

func TestWorkerHealsWhenTheStreamEnds(t *testing.T) {
	b := newBench(t, newFakeFirewall(), time.Hour)
	b.send(`{"id":1,` + configuration + `,"drop":["n2","n3"]}`)
	require.Empty(t, b.hear().Error)
	require.NoError(t, b.in.Close())
	last := b.hear()
	require.Zero(t, b.firewall.drops())
	require.Zero(t, last.ID)
	require.Equal(t, 1, last.Report.SelfHealed)
	require.Contains(t, last.Report.SelfHealedWhy, "stream")
	select {
	case <-b.done:
		t.Fatal("the worker must go on: the node's network ends with its agent")
	default:
	}
	b.stop()
	require.NoError(t, <-b.done)
	b.done <- nil
}

func TestWorkerHealsInSilence(t *testing.T) {
	b := newBench(t, newFakeFirewall(), 50*time.Millisecond)
	b.send(`{"id":1,` + configuration + `,"drop":["n2"]}`)
	require.Empty(t, b.hear().Error)
	last := b.hear()
	require.Zero(t, b.firewall.drops())
	require.Contains(t, last.Report.SelfHealedWhy, "nothing was heard")

	// The next contact is told, and can cut again.
	b.send(`{"id":2,` + configuration + `,"drop":["n2"]}`)
	answer := b.hear()
	require.Equal(t, 1, answer.Report.SelfHealed)
	require.True(t, answer.Report.Peers["n2"].Cut)
}

// A worker that is started when the harness is gone heals what its predecessor had cut.
func TestNextWorkerHealsForTheFormer(t *testing.T) {
	table := newFakeFirewall()
	require.NoError(t, table.drop([]netip.Addr{loopback(2)}))
	b := newBench(t, table, time.Hour)
	require.Equal(t, 1, table.drops(), "it adopts the rules")
	require.NoError(t, b.in.Close())
	require.Equal(t, 1, b.hear().Report.SelfHealed)
	require.Zero(t, table.drops())
}

func TestHealingNothingIsNotTold(t *testing.T) {
	table := newFakeFirewall()
	b := newBench(t, table, time.Millisecond)
	table.awaitHeals(1)
	b.send(`{"id":1,` + configuration + `}`)
	answer := b.hear()
	require.Equal(t, int64(1), answer.ID, "the first word since the greeting")
	require.Zero(t, answer.Report.SelfHealed)
}

// What could not be healed is tried again, and told as healed when it is.
func TestWorkerHealsUntilItHasHealed(t *testing.T) {
	table := newFakeFirewall()
	b := newBench(t, table, time.Hour)
	b.send(`{"id":1,` + configuration + `,"drop":["n2"]}`)
	require.Empty(t, b.hear().Error)
	table.fail(errors.New("not now"))
	require.NoError(t, b.in.Close())
	told := b.hear()
	require.Contains(t, told.Error, "not now")
	require.Zero(t, told.Report.SelfHealed, "nothing is healed yet")
	require.Equal(t, 1, table.drops())

	table.fail(nil)
	for told.Error != "" {
		told = b.hear()
	}
	require.Equal(t, 1, told.Report.SelfHealed)
	require.Contains(t, told.Report.SelfHealedWhy, "stream")
	require.Zero(t, table.drops())
}

// A worker whose firewall hangs ends, so that the next one has another.
func TestWedgedWorkerEnds(t *testing.T) {
	b := newBench(t, newFakeFirewall(), time.Hour)
	b.send(`{"id":1,` + configuration + `}`)
	require.Empty(t, b.hear().Error)
	b.firewall.fail(fmt.Errorf("an exchange: %w", errWedged))
	b.send(`{"id":2,` + configuration + `,"drop":["n2"]}`)
	require.Contains(t, b.hear().Error, "does not answer")
	require.ErrorIs(t, <-b.done, errWedged)
	b.done <- nil
}

// A request that was sent again may come after a newer one.
func TestOlderDropsDoNotUndoNewerOnes(t *testing.T) {
	b := newBench(t, newFakeFirewall(), time.Hour)
	b.send(`{"id":6,` + configuration + `,"drop":["n2"]}`)
	require.Empty(t, b.hear().Error)
	b.send(`{"id":5,` + configuration + `,"drop":[]}`)
	late := b.hear()
	require.Equal(t, int64(5), late.ID)
	require.Contains(t, late.Error, "newer request 6")
	require.True(t, late.Report.Peers["n2"].Cut)
	b.send(`{"id":6,` + configuration + `,"drop":["n2"]}`)
	require.Empty(t, b.hear().Error, "the same again is no harm")
}
