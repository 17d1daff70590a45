package diagram_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/results/diagram"
)

var update = flag.Bool("update", false, "write the golden files again")

// small is a story with one of everything.
func small() diagram.Diagram {
	at := make([]time.Duration, 18)
	for i := range at {
		at[i] = time.Duration(i) * 1500 * time.Microsecond
	}
	at[1] = at[0]
	return diagram.Diagram{
		Title: "a small story", Notes: []string{"k1: stale read: c1 read 1 & not <2>", "a note"},
		Lanes: []diagram.Lane{
			{Name: "c0", Client: true}, {Name: "c1", Client: true},
			{Name: "n1"}, {Name: "n2"}, {Name: "n3"},
		},
		Rows: at, Before: 12, After: 3,
		Arrows: []diagram.Arrow{
			{From: 0, To: 2, Sent: 0, Ended: 1, Short: "write 2", Signal: true},
			{From: 2, To: 3, Sent: 2, Ended: 4, Label: "accept 3.1.1 = 2", Short: "accept 3.1.1"},
			{From: 2, To: 3, Sent: 2, Ended: 6, Label: "accept 3.1.1 = 2", Short: "accept 3.1.1"},
			{From: 2, To: 4, Sent: 2, Ended: 3, Label: "accept 3.1.1 = 2", Short: "lost: accept 3.1.1",
				Fate: diagram.Lost},
			{From: 4, To: 2, Sent: diagram.Outside, Ended: 7, Short: "cut off: promise",
				Fate: diagram.Refused},
			{From: 2, To: 0, Sent: 8, Ended: 9, Label: "write 2: done", Signal: true},
			{From: 1, To: 4, Sent: 10, Ended: diagram.Outside, Short: "read", Signal: true},
		},
		Marks: []diagram.Mark{
			{Row: 0, Lane: 0, Text: "asks n1: write 2", Signal: true},
			{Row: 5, Lane: 3, Kind: diagram.Disk, Text: "on disk: accepted 3.1.1"},
			{Row: 9, Lane: 0, Text: "write 2: done", Signal: true},
			{Row: 10, Lane: 1, Text: "asks n3: read", Signal: true},
			{Row: 11, Lane: diagram.AllLanes, Text: "fault f1 begins: kill n2"},
			{Row: 12, Lane: 3, Kind: diagram.End, Text: "ends: kill"},
			{Row: 13, Lane: 4, Text: "is frozen"},
			{Row: 14, Lane: 3, Kind: diagram.Start, Text: "starts: boot 2"},
			{Row: 15, Lane: 2, Kind: diagram.Written, Text: "written"},
			{Row: 16, Lane: 2, Kind: diagram.Timer, Text: "timer"},
			{Row: 17, Lane: 2, Kind: diagram.Alarm, Text: "a broken promise", Signal: true},
		},
		Spans: []diagram.Span{
			{Lane: 0, From: 0, To: 9, Kind: diagram.Busy, Signal: true},
			{Lane: 1, From: 10, To: diagram.Outside, Kind: diagram.Busy, Signal: true},
			{Lane: 3, From: 12, To: 14, Kind: diagram.Down},
			{Lane: 4, From: 13, To: diagram.Outside, Kind: diagram.Frozen},
			{Lane: diagram.AllLanes, From: 11, To: 14, Kind: diagram.Fault, Text: "kill n2"},
		},
	}
}

func rendered(t *testing.T, render func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, render(&b))
	return b.String()
}

func svg(t *testing.T, d diagram.Diagram) string {
	return rendered(t, func(w io.Writer) error { return diagram.SVG(w, d) })
}

func text(t *testing.T, d diagram.Diagram, rows int) string {
	return rendered(t, func(w io.Writer) error { return diagram.Text(w, d, rows) })
}

func TestASmallStoryIsDrawnAsRecorded(t *testing.T) {
	for name, got := range map[string]string{
		"small.svg": svg(t, small()), "small.txt": text(t, small(), 0),
	} {
		path := filepath.Join("testdata", name)
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "%s (-update writes it again)", name)
	}
}

func TestAPictureIsXMLOfItsOwn(t *testing.T) {
	d := small()
	d.Title, d.Notes = `<script>"&'`, []string{"a\x00b\x1b[31m\xff"}
	d.Lanes[2].Name, d.Arrows[1].Label, d.Marks[0].Text = "<n1>", "]]><b>", "</svg>"
	d.Spans[4].Text = `"><x>`
	picture := svg(t, d)
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		if element, ok := token.(xml.StartElement); ok {
			require.NotContains(t, []string{"script", "b", "x", "image", "use"}, element.Name.Local)
		}
	}
	require.Equal(t, 1, strings.Count(picture, "</svg>"))
	require.Equal(t, 1, strings.Count(picture, "http"), "the name space, and nothing to fetch")
	require.NotContains(t, text(t, d, 0), "\x1b", "a terminal is not told to do anything")
}

func TestATextIsBoundedAndSaysWhatIsMissing(t *testing.T) {
	d := small()
	short := text(t, d, 5)
	require.Contains(t, short, "… 25 earlier happenings are left out")
	require.Contains(t, short, "… 3 later happenings are left out")
	require.NotContains(t, short, "asks n1: write 2")
	require.Contains(t, short, "a broken promise")
	require.Equal(t, text(t, d, 0), text(t, d, 1000))
}

func TestADiagramOfWhatIsNotThereIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*diagram.Diagram){
		"at most 4000":         func(d *diagram.Diagram) { d.Rows = make([]time.Duration, 4001) },
		"arrow 0 leads":        func(d *diagram.Diagram) { d.Arrows[0].To = 5 },
		"arrow 1 leads":        func(d *diagram.Diagram) { d.Arrows[1].Ended = 18 },
		"arrow 2 leads":        func(d *diagram.Diagram) { d.Arrows[2].To = d.Arrows[2].From },
		"mark 0 stands":        func(d *diagram.Diagram) { d.Marks[0].Row = diagram.Outside },
		"mark 1 stands nowher": func(d *diagram.Diagram) { d.Marks[1].Lane = 9 },
		"span 0 stands":        func(d *diagram.Diagram) { d.Spans[0].From = -2 },
	} {
		d := small()
		spoil(&d)
		require.ErrorContains(t, diagram.SVG(io.Discard, d), name)
		require.ErrorContains(t, diagram.Text(io.Discard, d, 0), name)
	}
	require.NotEmpty(t, svg(t, diagram.Diagram{Title: "nothing"}))
	require.NotEmpty(t, text(t, diagram.Diagram{Title: "nothing"}, 0))
}

// A text that fits on neither side of its lane is not cut off at the edge of the picture.
func TestALongTextIsInsideThePicture(t *testing.T) {
	d := small()
	d.Marks = append(d.Marks, diagram.Mark{
		Row: 5, Lane: 4, Kind: diagram.Alarm, Text: strings.Repeat("long ", 24),
	})
	var out bytes.Buffer
	require.NoError(t, diagram.SVG(&out, d))
	lines := strings.Split(out.String(), "\n")
	found := false
	for _, line := range lines {
		if strings.Contains(line, "long long") {
			found = true
			require.NotContains(t, line, `left"`, "a text that ends at its lane begins outside")
		}
	}
	require.True(t, found)
}
