package plan

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
	"ordeal/workloads"
)

func valid() Plan {
	p := Default()
	p.Seed = 11
	return p
}

func TestDefaultPlanIsValidAndDrawsFaultsOfEveryKind(t *testing.T) {
	p := valid()
	require.NoError(t, p.Validate())
	schedule, err := p.Schedule()
	require.NoError(t, err)
	require.ElementsMatch(t, []nemesis.Kind{nemesis.Partition, nemesis.Kill}, Planned(schedule))
	again, err := p.Schedule()
	require.NoError(t, err)
	require.Equal(t, schedule, again)
}

func TestValidateNamesTheFieldAndWhatIsAccepted(t *testing.T) {
	cases := map[string]func(*Plan){
		"nodes is 2 (accepted: 3 to 9)":                           func(p *Plan) { p.Nodes = 2 },
		"clients is 0 (accepted: 1 to 1000)":                      func(p *Plan) { p.Clients = 0 },
		"keys is 0 (accepted: 1 to 1000)":                         func(p *Plan) { p.Keys = 0 },
		"ops-per-key is -1 (accepted: 0 to 1000000)":              func(p *Plan) { p.OpsPerKey = -1 },
		"time is 10ms (accepted: 1s to 24h0m0s)":                  func(p *Plan) { p.Time = 1e7 },
		"timeout is 1h0m0s (accepted: 10ms to 1m0s)":              func(p *Plan) { p.Timeout = 36e11 },
		"rate is -1 (accepted: 0 for no limit, or 0.01 to 1e+06)": func(p *Plan) { p.Rate = -1 },
		"rate is NaN (accepted: 0 for no limit, or 0.01 to 1e+06)": func(p *Plan) {
			p.Rate = math.NaN()
		},
		"rate is 1e-09": func(p *Plan) { p.Rate = 1e-9 },
		"seed is 0 (accepted: 1 to 9007199254740992)": func(p *Plan) { p.Seed = 0 },
		"the schedule has about 720000 faults in 1h0m0s (accepted: up to 10000)": func(p *Plan) {
			p.Time, p.Interval = time.Hour, 10*time.Millisecond
		},
		"seed is 9007199254740993":                       func(p *Plan) { p.Seed = SeedMax + 1 },
		"nemesis \"x\" is unknown":                       func(p *Plan) { p.Nemesis = []string{"x"} },
		"recovery is 0s (accepted: 1s to 1h0m0s)":        func(p *Plan) { p.Recovery = 0 },
		"budget is 1ms (accepted: 1s to 24h0m0s)":        func(p *Plan) { p.Budget = time.Millisecond },
		"fault f1: \"n7\" is not a node: want some of n": withFault("n7"),
	}
	for want, change := range cases {
		p := valid()
		change(&p)
		require.ErrorContains(t, p.Validate(), want)
	}
}

func withFault(node string) func(*Plan) {
	return func(p *Plan) {
		p.Faults = nemesis.Schedule{{
			ID: "f1", At: time.Second, For: time.Second, Kind: nemesis.Kill,
			Nodes: []string{node},
		}}
	}
}

func TestScenarioIsReadAsItWasWritten(t *testing.T) {
	p := valid()
	p.Bug, p.Rate, p.OpsPerKey = "local-read", 12.5, 30
	schedule, err := p.Schedule()
	require.NoError(t, err)
	p.Faults = schedule
	var text bytes.Buffer
	require.NoError(t, Write(&text, p))
	read, err := Read(&text, Plan{})
	require.NoError(t, err)
	require.Equal(t, p, read)
}

func TestScenarioLeavesWhatItDoesNotMention(t *testing.T) {
	base := valid()
	read, err := Read(strings.NewReader("nodes: 7\n"), base)
	require.NoError(t, err)
	base.Nodes = 7
	require.Equal(t, base, read)

	read, err = Read(strings.NewReader("# nothing but a comment\n"), base)
	require.NoError(t, err)
	require.Equal(t, base, read)
}

func TestScenarioThatCannotBeReadSaysWhere(t *testing.T) {
	_, err := Read(strings.NewReader("nodes: 5\ntyme: 3s\n"), valid())
	require.ErrorContains(t, err, "unknown field \"tyme\"")
	require.ErrorContains(t, err, "2 |")
	_, err = Read(strings.NewReader(strings.Repeat("#", scenarioMax+1)), valid())
	require.ErrorContains(t, err, "longer than")
}

func TestPlanInALine(t *testing.T) {
	p := valid()
	require.Equal(t, "register · 5 nodes · 10 clients · paxos-register · "+
		"nemesis partition,kill · 20s", p.String())
	withFault("n1")(&p)
	p.Bug = "local-read"
	require.Equal(t, "register · 5 nodes · 10 clients · paxos-register · 1 listed faults · "+
		"20s · bug local-read", p.String())
}

func TestListedOperations(t *testing.T) {
	read, err := Read(strings.NewReader(`recovery: 0s
simulation: {seed: 4}
operations:
  - {at: 10ms, client: 0, number: 1, node: n1, kind: write, key: k, value: 7}
  - {at: 20ms, client: 3, number: 2, node: n2, kind: cas, key: k, value: '8', expected: ''}
`), valid())
	require.NoError(t, err)
	require.NoError(t, read.Validate())
	require.EqualValues(t, 4, read.SimulationSeed())
	require.Contains(t, read.String(), "2 listed operations")
	require.Equal(t, "7", read.Operations[0].Value)
	require.Empty(t, *read.Operations[1].Expected)
	workload, err := read.NewWorkload()
	require.NoError(t, err)
	require.Len(t, workload.Kinds(), 2)

	read.Clients = 3
	require.ErrorContains(t, read.Validate(), "operations: operation 2: client is 3")
	read.Operations = nil
	require.ErrorContains(t, read.Validate(), "recovery is 0s (accepted: 1s to ")
	read.Simulation.Seed = SeedMax + 1
	read.Recovery = time.Second
	require.ErrorContains(t, read.Validate(), "simulation: seed is ")
}

// Single datagrams and timers can be listed to be left out, where nothing has to make progress.
func TestListedOmissions(t *testing.T) {
	read, err := Read(strings.NewReader(`recovery: 0s
simulation: {lose: [n1->n2 prepare 1 of c0.3], mute: [n5 timer 2 of c9.1]}
operations: []
`), valid())
	require.NoError(t, err)
	require.NoError(t, read.Validate())
	require.Equal(t, 2, read.Simulation.Omissions())
	require.Contains(t, read.String(), " · 2 listed omissions")
	var text bytes.Buffer
	require.NoError(t, Write(&text, read))
	again, err := Read(&text, Plan{})
	require.NoError(t, err)
	require.Equal(t, read, again)

	read.Nodes = 4
	require.EqualError(t, read.Validate(),
		`simulation: mute: timer 1: "n5" is not a node: want some of n1, n2, n3, n4`)
	read.Nodes, read.Recovery = 5, time.Second
	require.ErrorContains(t, read.Validate(), "simulation: mute lists timers, and recovery is 1s "+
		"(accepted: recovery: 0s with listed operations, ")
	read.Simulation.Mute = nil
	require.NoError(t, read.Validate())
	_, err = Read(strings.NewReader("simulation:\n  lose: [n1]\n"), valid())
	require.ErrorContains(t, err, `[2:10] "n1" is no datagram: want its link, `)
}

// An empty list is no operation at all, and stays that when it is written and read.
func TestAnEmptyListOfOperationsIsNone(t *testing.T) {
	p := valid()
	p.Operations = workloads.Listing{}
	var text bytes.Buffer
	require.NoError(t, Write(&text, p))
	require.Contains(t, text.String(), "operations: []")
	read, err := Read(&text, Plan{})
	require.NoError(t, err)
	require.Equal(t, p, read)
	data, err := json.Marshal(p)
	require.NoError(t, err)
	read = Plan{}
	require.NoError(t, json.Unmarshal(data, &read))
	require.Equal(t, p.Operations, read.Operations)
	data, err = json.Marshal(valid())
	require.NoError(t, err)
	require.NotContains(t, string(data), "operations")
}

// The longest schedule that is accepted can be read again: it is no longer than so many of its
// parts.
func TestLongestScenarioCanBeRead(t *testing.T) {
	p := valid()
	p.Nodes, p.Time, p.Interval = NodesMax, TimeMax, 30*time.Second
	require.NoError(t, p.Validate())
	schedule, err := p.Schedule()
	require.NoError(t, err)
	p.Faults = schedule
	var text bytes.Buffer
	require.NoError(t, Write(&text, p))
	require.Less(t, text.Len()*FaultsMax/len(schedule), scenarioMax)
	read, err := Read(&text, Plan{})
	require.NoError(t, err)
	require.Len(t, read.Faults, len(schedule))
}

// Who deletes the last fault of a list wants none, and not drawn ones.
func TestEmptyListOfFaultsIsAnError(t *testing.T) {
	_, err := Read(strings.NewReader("faults: []\n"), valid())
	require.ErrorContains(t, err, "faults is an empty list (accepted: ")
	read, err := Read(strings.NewReader("nemesis: [none]\n"), valid())
	require.NoError(t, err)
	schedule, err := read.Schedule()
	require.NoError(t, err)
	require.Empty(t, schedule)
}
