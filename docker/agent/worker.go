package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"time"
)

// healRetry is how long a worker waits that could not heal by itself, before it tries again.
const healRetry = time.Second

// lineMax bounds one request, in bytes.
const lineMax = 1 << 20

// A worker carries out requests. All of it runs on the goroutine that calls run, except the prober
// and the reading of lines.
type worker struct {
	number  int
	out     io.Writer
	silence time.Duration

	openFirewall func() (firewall, error)
	startProber  func(Configuration) (*prober, error)

	firewall      firewall // nil until it could be opened
	prober        *prober  // nil until configured
	configuration Configuration
	peers         map[string]netip.Addr // the other nodes

	// wedged is the error that ends the worker.
	wedged error

	selfHealed    int
	selfHealedWhy string
	// lastDrop is the ID of the last request that changed the drops.
	lastDrop int64
}

// newWorker returns a worker that probes at ProbePort and writes its responses to out.
func newWorker(number int, out io.Writer) *worker {
	return &worker{
		number: number, out: out, silence: SilenceLimit,
		openFirewall: openFirewall,
		startProber: func(c Configuration) (*prober, error) {
			peers := make(map[netip.Addr]string)
			for name, address := range c.Addresses {
				if name != c.Node {
					peers[netip.MustParseAddr(address)] = name
				}
			}
			everywhere := netip.AddrPortFrom(netip.IPv4Unspecified(), ProbePort)
			return startProber(everywhere, c.Node, peers, ProbeInterval)
		},
	}
}

// run says hello and answers the requests from in until ctx is done. After the end of in it heals
// and waits for ctx: the namespace, which the node lives in, ends with the agent.
func (w *worker) run(ctx context.Context, in io.Reader) error {
	defer w.close()
	lines := readLines(ctx, in)
	// A former worker may have died in the middle of a line: end it, lest it swallow the greeting.
	if _, err := io.WriteString(w.out, "\n"); err != nil {
		return fmt.Errorf("writing to the harness: %w", err)
	}
	if err := w.say(Response{}); err != nil {
		return err
	}
	silence := time.NewTimer(w.silence)
	defer silence.Stop()
	why := fmt.Sprintf("nothing was heard from the harness for %s", w.silence)
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-lines:
			if !ok {
				lines = nil
				silence.Stop()
				why = "the stream from the harness ended"
				if !w.heal(why) {
					silence.Reset(healRetry)
				}
				break
			}
			response, ok := w.answer(line)
			if !ok {
				break
			}
			silence.Reset(w.silence)
			if err := w.say(response); err != nil {
				return err
			}
		case <-silence.C:
			if !w.heal(why) {
				silence.Reset(healRetry)
			}
		}
		if w.wedged != nil {
			return w.wedged
		}
	}
}

// readLines sends the lines of in, and closes the channel at its end. The goroutine may outlive ctx
// by as long as a read of in blocks.
func readLines(ctx context.Context, in io.Reader) <-chan []byte {
	lines := make(chan []byte)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		scanner.Buffer(nil, lineMax)
		for scanner.Scan() {
			select {
			case lines <- slices.Clone(scanner.Bytes()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

// answer carries out one line. It is false for what is no request: the rest of a line whose
// beginning a former worker took with it.
func (w *worker) answer(line []byte) (Response, bool) {
	var request Request
	if err := json.Unmarshal(line, &request); err != nil || request.ID == 0 {
		return Response{}, false
	}
	err := w.configure(request.Configuration)
	if err == nil && request.Drop != nil {
		err = w.dropFor(request.ID, *request.Drop)
	}
	response := Response{ID: request.ID}
	if w.check(err) != nil {
		response.Error = err.Error()
	}
	return response, true
}

// configure makes the worker count and probe the peers, unless it already does.
func (w *worker) configure(c Configuration) error {
	if w.prober != nil && c.Node == w.configuration.Node &&
		maps.Equal(c.Addresses, w.configuration.Addresses) {
		return nil
	}
	peers := make(map[string]netip.Addr)
	for name, text := range c.Addresses {
		address, err := netip.ParseAddr(text)
		if err != nil || !address.Is4() {
			return fmt.Errorf("the address of %s, %q, is not an IPv4 address", name, text)
		}
		if name != c.Node {
			peers[name] = address
		}
	}
	if err := w.open(); err != nil {
		return err
	}
	if err := w.firewall.watch(slices.Collect(maps.Values(peers))); err != nil {
		return err
	}
	if w.prober != nil {
		w.prober.close()
		w.prober = nil
	}
	prober, err := w.startProber(c)
	if err != nil {
		return err
	}
	w.prober, w.configuration, w.peers = prober, c, peers
	return nil
}

// open opens the firewall, with the rules that a former worker left.
func (w *worker) open() error {
	if w.firewall != nil {
		return nil
	}
	firewall, err := w.openFirewall()
	if err != nil {
		return err
	}
	w.firewall = firewall
	return nil
}

// dropFor carries out the drop of a request, unless it comes after a newer one, as what is sent
// again can: then that one's set is the one that holds.
func (w *worker) dropFor(request int64, names []string) error {
	if request < w.lastDrop {
		return fmt.Errorf("the newer request %d has been carried out", w.lastDrop)
	}
	if err := w.drop(names); err != nil {
		return err
	}
	w.lastDrop = request
	return nil
}

// check takes note of an error that the worker cannot go on after, and returns it.
func (w *worker) check(err error) error {
	if errors.Is(err, errWedged) {
		w.wedged = err
	}
	return err
}

// drop makes names the whole set of peers that cannot be heard.
func (w *worker) drop(names []string) error {
	addresses := make([]netip.Addr, len(names))
	for i, name := range names {
		address, ok := w.peers[name]
		if !ok {
			return fmt.Errorf("there is no peer %q to cut off", name)
		}
		addresses[i] = address
	}
	if err := w.firewall.drop(addresses); err != nil {
		return err
	}
	w.prober.barrier() // so that the report that follows holds all that came before
	return nil
}

// heal removes all drops, says so if there were any, and tells whether they are gone.
func (w *worker) heal(why string) bool {
	err := w.open()
	healed := 0
	if err == nil {
		var counted map[netip.Addr]counts
		counted, err = w.firewall.read()
		for _, of := range counted {
			if of.cut {
				healed++
			}
		}
	}
	if err == nil {
		err = w.firewall.drop(nil)
	}
	if err == nil && healed == 0 {
		return true
	}
	response := Response{}
	if w.check(err) == nil {
		w.selfHealed++
		w.selfHealedWhy = why
	} else {
		response.Error = fmt.Sprintf("healing because %s: %s", why, err)
	}
	// Nobody may be there to read it.
	_ = w.say(response)
	return err == nil
}

// say writes one response with a fresh report.
func (w *worker) say(response Response) error {
	report, err := w.report()
	response.Report = report
	if w.check(err) != nil && response.Error == "" {
		response.Error = err.Error()
	}
	line, err := json.Marshal(response)
	if err != nil {
		return fmt.Errorf("writing a response: %w", err)
	}
	if _, err := w.out.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("writing a response: %w", err)
	}
	return nil
}

// report gathers what was seen.
func (w *worker) report() (Report, error) {
	report := Report{
		Worker: w.number, SelfHealed: w.selfHealed, SelfHealedWhy: w.selfHealedWhy,
	}
	if w.prober == nil {
		return report, nil
	}
	sent, arrived := w.prober.counts()
	report.Sent = sent
	counted, err := w.firewall.read()
	report.Peers = make(map[string]Peer)
	for name, address := range w.peers {
		of := counted[address]
		report.Peers[name] = Peer{
			Cut: of.cut, Dropped: of.dropped, Packets: of.arrived,
			Probes: arrived[name].count, Quiet: arrived[name].quiet(),
		}
	}
	return report, err
}

// close ends probing and lets go of the firewall, whose rules stay.
func (w *worker) close() {
	if w.prober != nil {
		w.prober.close()
	}
	if w.firewall != nil {
		_ = w.firewall.close() // the rules are the kernel's, nothing is lost
	}
}
