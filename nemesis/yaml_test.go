package nemesis_test

import (
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/nemesis"
)

const handWritten = `# a comment
faults:
  - {at: 9s, for: 3s, kind: partition, name: halves, groups: [[n1, n2], [n3, n4, n5]]}
  - {at: 2s, for: 4s, kind: partition, name: isolate-one, nodes: [n3]}
  - {at: 2s, for: 4s, kind: partition, cut: {n1: [n3, n2], n2: [n1]}}
  - id: the-kill
    at: 1.5s
    for: 250ms
    kind: kill
    nodes: [n1]
`

func TestAScheduleIsReadFromYAML(t *testing.T) {
	s, err := nemesis.DecodeSchedule([]byte(handWritten))
	require.NoError(t, err)
	require.Equal(t, nemesis.Schedule{
		{
			ID: "the-kill", At: 1500 * time.Millisecond, For: 250 * time.Millisecond,
			Kind: nemesis.Kill, Nodes: []string{"n1"},
		},
		{
			ID: "f1", At: 2 * time.Second, For: 4 * time.Second,
			Kind: nemesis.Partition, Name: "isolate-one", Nodes: []string{"n3"},
		},
		{
			ID: "f2", At: 2 * time.Second, For: 4 * time.Second, Kind: nemesis.Partition,
			Cut: nemesis.Graph{"n1": {"n2", "n3"}, "n2": {"n1"}},
		},
		{
			ID: "f3", At: 9 * time.Second, For: 3 * time.Second, Kind: nemesis.Partition,
			Name: "halves", Groups: [][]string{{"n1", "n2"}, {"n3", "n4", "n5"}},
		},
	}, s)
	require.NoError(t, s.Validate(names(5), 12*time.Second))
}

func TestAScheduleIsWrittenSoThatAPersonCanReadIt(t *testing.T) {
	s, err := nemesis.DecodeSchedule([]byte(handWritten))
	require.NoError(t, err)
	s, err = s.Resolve(names(5))
	require.NoError(t, err)
	data, err := nemesis.EncodeSchedule(s[:2])
	require.NoError(t, err)
	require.Equal(t, `faults:
  - id: the-kill
    at: 1.5s
    for: 250ms
    kind: kill
    nodes: [n1]
  - id: f1
    at: 2s
    for: 4s
    kind: partition
    name: isolate-one
    cut: {n1: [n3], n2: [n3], n3: [n1, n2, n4, n5], n4: [n3], n5: [n3]}
`, string(data))
}

func TestAScheduleIsAFieldOfALargerStructure(t *testing.T) {
	type scenario struct {
		Seed   uint64           `yaml:"seed"`
		Faults nemesis.Schedule `yaml:"faults,omitempty"`
	}
	want, err := nemesis.DecodeSchedule([]byte(handWritten))
	require.NoError(t, err)
	var got scenario
	text := "seed: 7\n" + handWritten
	require.NoError(t, nemesis.DecodeStrict([]byte(text), &got))
	require.Equal(t, scenario{Seed: 7, Faults: want}, got)

	data, err := yaml.Marshal(got)
	require.NoError(t, err)
	var again scenario
	require.NoError(t, nemesis.DecodeStrict(data, &again))
	require.Equal(t, got, again)

	misspelled := []byte("seed: 7\nfaults: [{att: 1s, for: 1s, kind: kill, nodes: [n1]}]")
	err = nemesis.DecodeStrict(misspelled, &got)
	require.ErrorContains(t, err, `[2:11] unknown field "att": want some of id, at, for, kind`)
}

func TestAnEmptyScheduleCanBeWrittenInSeveralWays(t *testing.T) {
	for _, text := range []string{"", "faults:", "faults: []", "# nothing\n"} {
		s, err := nemesis.DecodeSchedule([]byte(text))
		require.NoError(t, err, text)
		require.Empty(t, s)
	}
	data, err := nemesis.EncodeSchedule(nil)
	require.NoError(t, err)
	require.Equal(t, "faults: []\n", string(data))
}

func TestAnchorsAndAliasesAreFollowed(t *testing.T) {
	s, err := nemesis.DecodeSchedule([]byte(
		"faults:\n" +
			"  - {at: 1s, for: &long 5s, kind: kill, nodes: &victims [n1, n2]}\n" +
			"  - {at: 2s, for: *long, kind: kill, nodes: *victims}\n"))
	require.NoError(t, err)
	require.Equal(t, kill("f2", 2*time.Second, 5*time.Second, "n1", "n2"), s[1])
}

// The place is the line and column of the value that is wrong, or of the fault if it misses one.
func TestAnErrorShowsThePlaceAndWhatIsAccepted(t *testing.T) {
	for _, test := range []struct{ fault, wrong string }{
		{"{for: 1s, kind: kill, nodes: [n1]}", "at is missing: want the time"},
		{"{at: , for: 1s, kind: kill, nodes: [n1]}", "at is missing: want the time"},
		{"{at: 1s, kind: kill, nodes: [n1]}", "for is missing: want how long it lasts"},
		{"{at: 1s, for: 1s, nodes: [n1]}", "kind is missing: want one of partition, kill"},
		{
			"{at: 4, for: 1s, kind: kill, nodes: [n1]}",
			"[2:10] 4 is not a duration: want a number with a unit, such as 3s, 1.5s or 250ms",
		},
		{"{at: soon, for: 1s, kind: kill, nodes: [n1]}", "[2:10] soon is not a duration"},
		{"{at: [1s], for: 1s, kind: kill, nodes: [n1]}", "[2:10] [1s] is not a duration"},
		{"{at: -1s, for: 1s, kind: kill, nodes: [n1]}", "[2:10] at -1s is negative"},
		{"{at: 1s, for: 0s, kind: kill, nodes: [n1]}", "[2:19] for 0s is not positive"},
		{
			"{at: 1s, for: 1s, kind: freeze, nodes: [n1]}",
			`[2:29] kind "freeze" is unknown: want one of partition, kill, stop, pause, wipe`,
		},
		{
			"{at: 1s, for: 1s, kind: partition, name: split, nodes: [n1]}",
			`[2:46] name "split" is unknown: want one of isolate-one, halves`,
		},
		{
			"{at: 1s, for: 1s, kind: partition, name: bridge, nodes: [n1]}",
			"[2:46] bridge wants nodes: the bridge, and groups",
		},
		{"{at: 1s, for: 1s, kind: partition, cut: {}}", "[2:45] a cut has no links"},
		{"{at: 1s, for: 1s, kind: kill, nodes: n1}", "[2:42] string was used where sequence"},
		{"{at: 1s, for: 1s, kind: kill, nodes: [{n1: 1}]}", "want a text, such as the name"},
		{"{at: 1s, for: 1s, kind: kill, node: [n1]}", `[2:35] unknown field "node": want some`},
		{"{at: 1s, at: 2s, for: 1s, kind: kill}", `[2:14] mapping key "at" already defined`},
		{"~", "a fault of the list is empty"},
		{"n1", "string was used where mapping is expected"},
	} {
		_, err := nemesis.DecodeSchedule([]byte("faults:\n  - " + test.fault + "\n"))
		require.ErrorContains(t, err, test.wrong, test.fault)
		require.ErrorContains(t, err, "^", "the excerpt with a caret")
	}
}

func TestOneDocumentIsWanted(t *testing.T) {
	for _, text := range []string{"faults: []\n---\nfaults: []\n", "faults: []\n---\n- x\n"} {
		_, err := nemesis.DecodeSchedule([]byte(text))
		require.ErrorContains(t, err, "more than one document: want one")
	}
	_, err := nemesis.DecodeSchedule([]byte("fault: []\n"))
	require.ErrorContains(t, err, `unknown field "fault"`)
}

func TestADocumentThatTheDecoderCannotTakeIsAnError(t *testing.T) {
	_, err := nemesis.DecodeSchedule([]byte("faults:\n  - at: 1s\n    nodes: !!str "))
	require.ErrorContains(t, err, "decode the schedule: the YAML is malformed")
}

func TestADrawnScheduleIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		requireRoundTrip(t, drawn(t, options().Draw(t, "options")))
	})
}

// What YAML could take for a truth, a number or nothing must come back as the name that it is.
func TestNamesAreReadAsTheyWereWritten(t *testing.T) {
	texts := rapid.OneOf(
		rapid.StringMatching("[a-zA-Z][a-zA-Z0-9._-]{0,8}"),
		rapid.SampledFrom([]string{"true", "null", "Null", "no", "y", "off", "NaN", "inf", "e1"}))
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.SliceOfNDistinct(texts, 2, 4, rapid.ID).Draw(t, "nodes")
		s := nemesis.Schedule{
			{ID: texts.Draw(t, "id"), At: 1, For: 1, Kind: nemesis.Kill, Nodes: nodes},
			{
				At: 2, For: 1, Kind: nemesis.Partition, Name: texts.Draw(t, "name"),
				Cut: nemesis.Split(nodes[:1], nodes[1:]),
			},
		}.Ordered()
		require.NoError(t, s.Validate(nodes, time.Second))
		requireRoundTrip(t, s)
	})
}

func requireRoundTrip(t require.TestingT, s nemesis.Schedule) {
	data, err := nemesis.EncodeSchedule(s)
	require.NoError(t, err)
	decoded, err := nemesis.DecodeSchedule(data)
	require.NoError(t, err, "%s", data)
	require.Equal(t, s, decoded, "%s", data)
}

// FuzzDecodeSchedule asks that whatever is decoded and valid is encoded and decoded to itself.
func FuzzDecodeSchedule(f *testing.F) {
	f.Add([]byte(handWritten))
	f.Add([]byte("faults:\n- {at: 1s, for: 1s, kind: partition, groups: [[n1], [n2]]}"))
	f.Add([]byte("faults:\n- {at: 1s, for: &a 1s, kind: kill, nodes: [n1, 2]}\n- <<: *a"))
	f.Add([]byte("faults: [null, {at: 1s}, 3]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := nemesis.DecodeSchedule(data)
		if err != nil || s.Validate(names(5), time.Minute) != nil {
			return
		}
		requireRoundTrip(t, s)
		resolved, err := s.Resolve(names(5))
		require.NoError(t, err)
		requireRoundTrip(t, resolved)
	})
}
