package docker

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/system"
)

// A toldClient says what follows from each answer to the question whether its node serves.
type toldClient struct {
	system.Client
	follows func(error) error
}

func (c toldClient) Ready(ctx context.Context) error { return c.follows(c.Client.Ready(ctx)) }

// One of three nodes runs and never serves. Here the time is up when it and the others are up; the
// limit is that of the start's context in the same place.
func TestNodeThatNeverServesIsNamedWithItsLastWord(t *testing.T) {
	engine := engineOf(t)
	config := toyConfig(3)
	config.Logs = t.TempDir()
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var serving atomic.Int32
	dial := config.System.Dial
	config.System.Dial = func(e system.Endpoint) system.Client {
		return toldClient{dial(e), func(err error) error {
			switch {
			case err == nil && e.Node != "n2":
				serving.Add(1) // and it is not asked again
			case err == nil && serving.Load() == 2:
				cancel()
			}
			if e.Node == "n2" {
				err = errors.New("503: no quorum")
			}
			return err
		}}
	}
	_, err := engine.Start(ctx, config)
	require.ErrorIs(t, err, context.Canceled)
	require.Regexp(t, `^starting a cluster: starting n2: it does not serve \(context canceled\): `+
		`503: no quorum: n2 is up$`, err.Error())
	nothingLeft(t, engine, config.RunID)
	for _, node := range []string{"n1", "n2", "n3"} {
		log, err := os.ReadFile(filepath.Join(config.Logs, node+".log"))
		require.NoError(t, err)
		require.Contains(t, string(log), node+" is up\n")
	}
}
