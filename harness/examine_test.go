package harness

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/nemesis"
)

func TestExamineTriesEveryKindOnOneNodeAndTheWipeLast(t *testing.T) {
	f := newFake()
	var tried []string
	f.inject = func(fault nemesis.Fault) (history.Evidence, error) {
		tried = append(tried, fault.String())
		return shown, nil
	}
	trials, err := Examine(t.Context(), f)
	require.NoError(t, err)
	require.Equal(t, []string{
		"partition isolate-one: n3 | n1 n2", "kill n3", "stop n3", "pause n3", "wipe n3",
	}, tried)
	require.Len(t, trials, len(nemesis.ContainerKinds()))
	for i, trial := range trials {
		require.NoError(t, trial.Err)
		require.Equal(t, nemesis.ContainerKinds()[i], trial.Kind)
		require.NotZero(t, trial.BiteTime)
		require.NotZero(t, trial.HealTime)
	}
}

func TestExamineSaysWhatCannotBeInjectedAndWhy(t *testing.T) {
	f := newFake()
	f.unable = map[nemesis.Kind]error{nemesis.Pause: errors.New("no freezer")}
	silent := history.Evidence{Measurements: []history.Measurement{{
		Subject: "n1→n3", What: "probes arrived", When: "during", Value: "4 of 4",
	}}}
	f.inject = func(fault nemesis.Fault) (history.Evidence, error) {
		switch fault.Kind {
		case nemesis.Partition:
			return silent, nil
		case nemesis.Kill:
			return history.Evidence{}, errors.New("the engine refuses")
		case nemesis.Wipe:
			return history.Evidence{}, nemesis.ErrPrecondition
		}
		return shown, nil
	}
	f.heal = func(fault nemesis.Fault) (history.Evidence, error) {
		if fault.Kind == nemesis.Stop {
			return history.Evidence{}, nil
		}
		return shown, nil
	}
	trials, err := Examine(t.Context(), f)
	require.NoError(t, err)
	want := map[nemesis.Kind]string{
		nemesis.Partition: "it was not shown to bite: n1→n3: probes arrived: 4 of 4",
		nemesis.Kill:      "the engine refuses",
		nemesis.Stop:      "it was not shown to be healed: nothing was measured",
		nemesis.Pause:     "no freezer",
		nemesis.Wipe:      nemesis.ErrPrecondition.Error(),
	}
	for _, trial := range trials {
		require.ErrorContains(t, trial.Err, want[trial.Kind])
	}
}

func TestExamineCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFake()
	f.inject = func(nemesis.Fault) (history.Evidence, error) {
		cancel()
		return shown, nil
	}
	trials, err := Examine(ctx, f)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, trials, 1)
}

// A trial that does not end is one that failed, and the others are made.
func TestExamineGoesOnAfterATrialThatDoesNotEnd(t *testing.T) {
	f := &stuckEnvironment{fake: newFake()}
	trials, err := Examine(t.Context(), f)
	require.NoError(t, err)
	require.Len(t, trials, len(nemesis.ContainerKinds()))
	for _, trial := range trials {
		if trial.Kind == nemesis.Stop {
			require.ErrorContains(t, trial.Err, "no end of it within")
		} else {
			require.NoError(t, trial.Err)
		}
	}
}

// A stuckEnvironment never answers a stop. Its steps end with their context, as real ones do.
type stuckEnvironment struct {
	*fake
	stuck bool
}

func (s *stuckEnvironment) Inject(f nemesis.Fault, done func(history.Evidence, error)) {
	if s.stuck = f.Kind == nemesis.Stop; !s.stuck {
		s.fake.Inject(f, done)
	}
}

func (s *stuckEnvironment) Step(ctx context.Context) error {
	if s.stuck {
		return context.DeadlineExceeded
	}
	return s.fake.Step(ctx)
}
