package jepsen_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history/jepsen"
)

// Each line holds texts that Clojure's = calls equal; what stands in different lines is not.
var values = [][]string{
	{"0", "-0", "+0", "0N", "00", "0x0", "0/7"},
	{"1", "+1", "1N", "01", "0x1", "2r1", "3/3"},
	{"-1", "-1N", "-0x1", "-2/2"},
	{"255", "0xff", "0XFF", "0377", "36r73"},
	{"123456789012345678901234567890", "123456789012345678901234567890N"},
	{"1.0", "1.", "1e0", "10E-1", "+1.00"},
	{"0.0", "-0.0", "0e5", "1e-400"},
	{"1e21", "1000000000000000000000.0"},
	{"1M", "1.0M", "1.00M", "10E-1M", "0.1e1M"},
	{"11e-1M", "1.1M", "1.10M", "110E-2M"},
	{"-11e-1M", "-1.1M"},
	{"0M", "0.00M", "-0M"},
	{"1/2", "2/4", "+1/2"},
	{"-1/2", "-2/4"},
	{"##Inf"},
	{"##-Inf"},
	{`"1"`, `"\u0031"`},
	{`""`},
	{`"a b"`},
	{`"a,b"`},
	{"\"a\nb\"", `"a\nb"`},
	{`"\\n"`},
	{`"\t\r\b\f\""`},
	{`"😀"`, `"\ud83d\ude00"`},
	{`"nil"`},
	{`"\u001b[2J"`, "\"\x1b[2J\""},
	{`"\udb40\udc01"`, "\"\U000E0001\""},
	{`\u001b`, `\u001B`},
	{"true"},
	{"false"},
	{"a"},
	{":a"},
	{":a/b"},
	{`\a`, `\u0061`},
	{`\newline`, `\u000a`},
	{`\space`, `\u0020`},
	{`\\`},
	{`\(`},
	{`\é`, `\u00e9`},
	{"[]", "()", "[ , ]"},
	{"[1 2]", "(1 2)", "[1,2N]", "[1 #_ 3 2]", "[1 ; one\n 2]"},
	{"[2 1]"},
	{"[1 [2]]"},
	{"[[1] 2]"},
	{"[nil]"},
	{"#{}"},
	{"#{1 2}", "#{2 1}"},
	{"{}"},
	{"{:a 1, :b 2}", "{:b 2 :a 1}"},
	{"{:a 1, :b 3}"},
	{"#a 1", "#a  1"},
	{"#b 1"},
	{"#:a {:b 1}"},
	{`#inst "2026-01-01T00:00:00Z"`},
	{"#foo.Bar{:a 1}"},
	{"{:a 1}"},
	{"-"},
	{"+"},
	{"..."},
}

func TestValuesAreEqualIfClojureCallsThemSo(t *testing.T) {
	seen := map[string]string{}
	for _, equal := range values {
		first, err := jepsen.ParseValue(equal[0])
		require.NoError(t, err, equal[0])
		require.True(t, first.IsSet())
		require.NotContains(t, seen, first.Text(), "%s", equal[0])
		seen[first.Text()] = equal[0]
		for _, text := range equal {
			again, err := jepsen.ParseValue(text)
			require.NoError(t, err, text)
			require.Equal(t, first, again, text)
		}
		// What a value is printed as is read as the same value.
		again, err := jepsen.ParseValue(first.Text())
		require.NoError(t, err, first.Text())
		require.Equal(t, first, again)
	}
}
