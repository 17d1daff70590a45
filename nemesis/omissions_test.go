package nemesis_test

import (
	"encoding/json"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/nemesis"
)

// drawOmissions draws conditions that list some.
func drawOmissions(t *rapid.T) nemesis.Conditions {
	c := nemesis.DefaultConditions()
	number := rapid.IntRange(1, 1<<31-1)
	node := rapid.SampledFrom([]string{"n1", "n2", "n9"})
	operation := func() nemesis.OperationName {
		return nemesis.OperationName{
			Client: number.Draw(t, "client") - 1, Number: number.Draw(t, "number"),
		}
	}
	for range rapid.IntRange(0, 3).Draw(t, "datagrams") {
		c.Lose = append(c.Lose, nemesis.Datagram{
			From: node.Draw(t, "from"), To: node.Draw(t, "to"), Operation: operation(),
			Kind:       rapid.SampledFrom([]string{"prepare", "report"}).Draw(t, "kind"),
			Occurrence: number.Draw(t, "occurrence"),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "timers") {
		c.Mute = append(c.Mute, nemesis.Timer{
			Node: node.Draw(t, "node"), Operation: operation(),
			Occurrence: number.Draw(t, "occurrence"),
		})
	}
	return c
}

func TestOmissionsAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawOmissions(t)
		text, err := yaml.Marshal(c)
		require.NoError(t, err)
		var read nemesis.Conditions
		require.NoError(t, nemesis.DecodeStrict(text, &read), "%s", text)
		require.Equal(t, c, read)
		text, err = json.Marshal(c)
		require.NoError(t, err)
		read = nemesis.Conditions{}
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, c, read)
	})
}

func TestOmissionsThatCannotBeSayWhatIsAccepted(t *testing.T) {
	for text, want := range map[string]string{
		"lose: [n1]":                           `"n1" is no datagram: want its link, its kind, `,
		"lose: [n1->n2 prepare 1]":             "is no datagram",
		"lose: [n1-n2 prepare 1 of c0.3]":      "is no datagram",
		"lose: ['->n2 prepare 1 of c0.3']":     "is no datagram",
		"lose: [n1->n2 prepare 1 of 0.3]":      "is no datagram",
		"lose: [n1->n2 prepare 1 of c0.0]":     "is no datagram",
		"lose: [n1->n2 prepare 1 of c-1.1]":    "is no datagram",
		"lose: [n1->n2 prepare 1 for c0.1]":    "is no datagram",
		"lose: [n1->n2 prepare 0 of c0.3]":     `such as "n1->n2 prepare 1 of c0.3"`,
		"lose: [7]":                            `"7" is no datagram`,
		"mute: [n1 timer of c0.3]":             `"n1 timer of c0.3" is no timer: want its node, `,
		"mute: [n1 timer x of c0.3]":           `such as "n1 timer 1 of c0.3"`,
		"mute: [n1 prepare 1 of c0.3]":         "is no timer",
		"mute: [n1 timer 1 of c0.99999999999]": "is no timer",
	} {
		var c nemesis.Conditions
		require.ErrorContains(t, nemesis.DecodeStrict([]byte(text), &c), want, text)
	}
	nodes := []string{"n1", "n2"}
	for want, change := range map[string]func(*nemesis.Conditions){
		`lose: datagram 2: "n3" is not a node: want some of n1, n2`: func(c *nemesis.Conditions) {
			c.Lose = []nemesis.Datagram{{From: "n1", To: "n2"}, {From: "n1", To: "n3"}}
		},
		`lose: datagram 1: "" is not a node`: func(c *nemesis.Conditions) {
			c.Lose = []nemesis.Datagram{{To: "n2"}}
		},
		"what n1 sends itself is never lost": func(c *nemesis.Conditions) {
			c.Lose = []nemesis.Datagram{{From: "n1", To: "n1"}}
		},
		`mute: timer 1: "n9" is not a node`: func(c *nemesis.Conditions) {
			c.Mute = []nemesis.Timer{{Node: "n9"}}
		},
		"10001 datagrams or timers are listed (accepted: up to 10000)": func(c *nemesis.Conditions) {
			c.Lose = make([]nemesis.Datagram, nemesis.OmissionsMax+1)
		},
	} {
		c := nemesis.DefaultConditions()
		require.NoError(t, c.ValidateOmissions(nodes))
		change(&c)
		require.ErrorContains(t, c.ValidateOmissions(nodes), want)
	}
}
