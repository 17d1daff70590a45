package docker

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/docker/system"
	"ordeal/harness"
	"ordeal/harness/plan"
	"ordeal/nemesis"
	"ordeal/results"
)

// execute runs a whole test on a cluster of the built-in register, which prepare may spoil.
func execute(
	t *testing.T, spoil func(*Config), prepare func(*Cluster), faults ...nemesis.Fault,
) results.Run {
	t.Helper()
	engine := engineOf(t)
	config := registerConfig(t, 3)
	if spoil != nil {
		spoil(&config)
	}
	p := plan.Default()
	p.Seed, p.Nodes, p.Clients, p.Rate, p.Time = 1, 3, 6, 300, 5*time.Second
	p.Recovery, p.Faults = 5*time.Second, nemesis.Schedule(faults).Ordered()
	require.NoError(t, p.Validate())
	directory, err := results.Create(t.TempDir(), config.RunID)
	require.NoError(t, err)
	run, err := harness.Test{
		Plan: p, Run: results.Run{ID: config.RunID, Started: time.Now()}, Directory: directory,
		Log: slog.New(slog.DiscardHandler),
		Start: func(ctx context.Context) (harness.Environment, error) {
			c, err := engine.Start(ctx, config)
			if err != nil {
				return nil, err
			}
			if prepare != nil {
				prepare(c)
			}
			return c, nil
		},
	}.Execute(t.Context())
	require.NoError(t, err)
	left, err := engine.Count(t.Context(), config.RunID)
	require.NoError(t, err)
	require.False(t, left.Any(), "%+v", left)
	return run
}

// whatWasFound returns the findings of a run, one a line.
func whatWasFound(run results.Run) string {
	var lines []string
	for _, f := range run.Findings {
		lines = append(lines, string(f.Verdict)+": "+f.What)
	}
	return strings.Join(lines, "\n")
}

func isolate(node string) nemesis.Fault {
	return nemesis.Fault{
		At: time.Second, For: 2 * time.Second, Kind: nemesis.Partition,
		Name: nemesis.NameIsolateOne, Nodes: []string{node},
	}
}

func TestWholeTestOnTheRegisterPasses(t *testing.T) {
	run := execute(t, nil, nil, isolate("n3"))
	require.Equal(t, results.Pass, run.Verdict, whatWasFound(run))
	require.Len(t, run.Recovery.FirstOK, 3)
	require.NotZero(t, run.Faults[0].Attempts.OK)
}

// The rules of a cut drop what comes from an address that nobody has. So nothing is cut, which the
// probes show, and the run is no pass.
func TestRuleWithAWrongAddressIsNoFault(t *testing.T) {
	run := execute(t, nil, func(c *Cluster) {
		nobody := unusedAddress(t, c)
		for _, n := range c.nodes {
			if n.member.Name == "n3" {
				continue
			}
			n.beside.mu.Lock()
			n.beside.configuration.Addresses["n3"] = nobody
			n.beside.mu.Unlock()
		}
	}, isolate("n3"))
	require.NotEqual(t, results.Pass, run.Verdict)
	require.False(t, run.Faults[0].Effective)
	require.Contains(t, whatWasFound(run), "vacuous: no partition of the schedule was shown to bite")
	require.NotZero(t, run.Faults[0].Attempts.OK)
}

// unusedAddress returns an address of the run's own network that none of its containers has.
func unusedAddress(t *testing.T, c *Cluster) string {
	t.Helper()
	used := make(map[netip.Addr]bool)
	for _, n := range c.nodes {
		used[netip.MustParseAddr(n.member.Address)] = true
	}
	address := netip.MustParseAddr(c.nodes[0].member.Address)
	for used[address] {
		address = address.Next()
	}
	return address.String()
}

// Clients that were pointed at a port where nobody listens, beside a cluster that is fine.
func TestClientsOfADeadPortAreVacuous(t *testing.T) {
	run := execute(t, func(config *Config) {
		dial := config.System.Dial
		config.System.Dial = func(e system.Endpoint) system.Client {
			host, _, err := net.SplitHostPort(e.Address)
			if err != nil {
				panic(err)
			}
			dead := e
			dead.Address = net.JoinHostPort(host, "9")
			return deadClient{Client: dial(dead), alive: dial(e)}
		}
	}, nil, isolate("n3"))
	require.Equal(t, results.Vacuous, run.Verdict, whatWasFound(run))
	require.Equal(t, "vacuous: no operation succeeded while faults were injected", whatWasFound(run))
	require.True(t, run.Faults[0].Effective)
	require.NotZero(t, run.Operations.Fail)
	require.Zero(t, run.Operations.OK)
}

// A deadClient asks a dead port for everything but whether the node is ready.
type deadClient struct {
	system.Client
	alive system.Client
}

func (d deadClient) Ready(ctx context.Context) error { return d.alive.Ready(ctx) }

func (d deadClient) Close() {
	d.Client.Close()
	d.alive.Close()
}

// An agent that is killed takes the means to cut and to heal with it: the run ends, says so in a
// line, and judges what was recorded.
func TestAgentThatDiesEndsTheRun(t *testing.T) {
	run := execute(t, nil, func(c *Cluster) {
		c.After(2*time.Second, func() {
			err := c.engine.api.ContainerKill(t.Context(), c.byName["n2"].agent, "SIGKILL")
			if err != nil {
				t.Error(err)
			}
		})
	}, isolate("n3"))
	require.Equal(t, results.Harness, run.Verdict, whatWasFound(run))
	require.Equal(t, "harness: the agent of n2 has ended (exit code 137): its node's network "+
		"cannot be cut or healed any more", whatWasFound(run))
	require.NotNil(t, run.Check)
	require.Equal(t, run.Operations.Total, run.Check.Linearizability.Operations)
	require.NotZero(t, run.Operations.OK)
}

// A node that never serves ends the start, in a line that names it and its last word.
func TestNodeThatNeverServesEndsTheStart(t *testing.T) {
	engine := engineOf(t)
	config := registerConfig(t, 3)
	command := config.System.Command
	config.System.Command = func(c system.Cluster, n system.Member) []string {
		if n.Name == "n2" {
			n.Number = 7 // which is not among the peers
		}
		return command(c, n)
	}
	config.Logs = t.TempDir()
	_, err := engine.Start(within(t), config)
	require.ErrorContains(t, err, "starting n2: ")
	require.ErrorContains(t, err, "node number 7 is not among the peers")
	require.NotContains(t, err.Error(), "\n")
	require.FileExists(t, config.Logs+"/n2.log")
	left, err := engine.Count(t.Context(), config.RunID)
	require.NoError(t, err)
	require.False(t, left.Any())
}
