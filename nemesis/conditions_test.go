package nemesis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

func TestConditionsSayWhatIsAccepted(t *testing.T) {
	require.NoError(t, nemesis.DefaultConditions().Validate())
	for wrong, change := range map[string]func(*nemesis.Conditions){
		"delay is 0s (accepted: more than 0, up to 1s)": func(c *nemesis.Conditions) { c.Delay = 0 },
		`spread is "" (accepted: narrow, wide)`:         func(c *nemesis.Conditions) { c.Spread = "" },
		`order is "x" (accepted: uniform, priority)`:    func(c *nemesis.Conditions) { c.Order = "x" },
		"loss is -1 (accepted: 0 to 500 datagrams":      func(c *nemesis.Conditions) { c.Loss = -1 },
		"duplicate is 501 (accepted: 0 to 500 datagrams": func(c *nemesis.Conditions) {
			c.Duplicate = 501
		},
		"sync is 2s (accepted: more than 0, up to 1s)": func(c *nemesis.Conditions) {
			c.Sync = 2 * time.Second
		},
	} {
		c := nemesis.DefaultConditions()
		change(&c)
		require.ErrorContains(t, c.Validate(), wrong)
	}
}
