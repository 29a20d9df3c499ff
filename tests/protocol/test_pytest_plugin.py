"""The pytest plugin, as other people's test suites meet it: each test here runs a small suite of its own."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import build, builtin_bench

ROOT = Path(__file__).resolve().parents[2]

pytest_plugins = ["pytester"]


@pytest.fixture(autouse=True)
def no_other_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")


def run(pytester: pytest.Pytester, code: str, *options: str) -> pytest.RunResult:
    """Run a suite of one module with warnings as errors."""
    pytester.makepyfile(code)
    plugins = ("-p", "pyvisa_mqt.pytest_plugin", "-p", "no:cacheprovider")
    return pytester.runpytest_inprocess(*plugins, "-W", "error", "--strict-markers", *options)


def errors(result: pytest.RunResult) -> list[str]:
    """Return the lines that say what is wrong."""
    return [line for line in result.outlines if line.startswith("mqt: ")]


ASKING = """
    def test_the_counter_answers(mqt_bench, mqt_resource_manager):
        counter = mqt_resource_manager.open_resource(mqt_bench.address("counter"), read_termination="\\n")
        assert counter.query("*IDN?").startswith({name!r})
"""


def test_a_test_talks_to_a_bench_of_its_own_and_passes_without_a_word_of_it(pytester: pytest.Pytester) -> None:
    result = run(pytester, ASKING.format(name="Agilent"))
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*Transcript*")


def test_a_failed_test_shows_what_was_said_on_the_bench(pytester: pytest.Pytester) -> None:
    result = run(pytester, ASKING.format(name="Nobody"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- Transcript of the simulated bench -*",
            "*0.000000 s  bench *",
            "*s  counter <- '[*]IDN?*'",
            "*s  counter -> 'Agilent*'",
            "all of it: *-test_the_counter_answers.jsonl",
        ]
    )


def test_a_fixture_that_cannot_connect_shows_it_too_and_only_the_end_of_a_long_talk(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.fixture
        def counter(mqt_bench, mqt_resource_manager):
            counter = mqt_resource_manager.open_resource(mqt_bench.address("counter"), read_termination="\\n")
            for _ in range(100):
                counter.query("*ESR?")
            raise RuntimeError("no such counter")

        def test_it(counter):
            pass
        """,
    )
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["... the last 60 records", "*s  counter <- '[*]ESR?*'"])
    assert sum("counter <-" in line for line in result.outlines) == 30


def test_every_test_has_a_fresh_bench_whose_time_is_virtual(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest, pyvisa

        @pytest.mark.parametrize("_", range(2))
        def test_ten_minutes(mqt_bench, _):
            assert mqt_bench.clock.now() == 0.0
            mqt_bench.clock.sleep(600.0)
            own = pyvisa.ResourceManager(mqt_bench.visalib)  # as a driver does that opens its instrument itself
            assert own is mqt_bench.manager
            own.open_resource(mqt_bench.address("source")).write("CURR 1e-6")

        def test_a_driver_that_takes_no_library(mqt_bench, monkeypatch):
            monkeypatch.setenv("PYVISA_LIBRARY", mqt_bench.visalib)
            assert pyvisa.ResourceManager() is mqt_bench.manager
        """,
    )
    result.assert_outcomes(passed=3)


def test_markers_of_module_class_and_test_add_up(pytester: pytest.Pytester) -> None:
    (pytester.path / "ours.yaml").write_text(builtin_bench(), encoding="utf-8")
    result = run(
        pytester,
        """
        import time, pytest

        pytestmark = pytest.mark.mqt(bench="ours.yaml", seed=7)

        @pytest.mark.mqt(faults=[{"kind": "lost-reply", "instrument": "counter", "message": 1}])
        class TestFaults:
            def test_a_lost_reply_costs_no_time_of_ours(self, mqt_bench):
                import pyvisa
                counter = mqt_bench.manager.open_resource(mqt_bench.address("counter"), timeout=3_600_000)
                with pytest.raises(pyvisa.VisaIOError, match="VI_ERROR_TMO"):
                    counter.query("*IDN?")
                assert mqt_bench.clock.now() > 3600.0
                assert mqt_bench.bench.file.seed == 7
                assert mqt_bench.faults.planned[0].strikes == 1

            @pytest.mark.mqt(bench="showroom", faults=[])
            def test_the_nearest_counts(self, mqt_bench):
                assert mqt_bench.address("interval_counter").startswith("ASRL")
                assert mqt_bench.faults.planned == ()

        @pytest.mark.mqt(speed=1e6)
        def test_a_driver_that_sleeps(mqt_bench):
            counter = mqt_bench.manager.open_resource(mqt_bench.address("counter"))
            before = time.monotonic()
            while mqt_bench.clock.now() < 100.0:
                counter.query("*OPC?")
                assert time.monotonic() < before + 60
        """,
    )
    result.assert_outcomes(passed=3)


def test_the_option_names_the_bench_of_tests_whose_marker_does_not(pytester: pytest.Pytester) -> None:
    bench = builtin_bench().replace("counter:", "our_counter:").replace("counter.", "our_counter.")
    (pytester.path / "ours.yaml").write_text(bench, encoding="utf-8")
    code = """
        import pytest

        def test_ours(mqt_bench):
            assert mqt_bench.address("our_counter")

        @pytest.mark.mqt(bench="builtin", seed=3)
        def test_the_built_in(mqt_bench):
            assert mqt_bench.address("counter")
    """
    run(pytester, code, "--mqt-bench", "ours.yaml").assert_outcomes(passed=2)


def test_another_program_talks_to_a_served_bench(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import subprocess, sys, pytest

        CLIENT = '''if True:
            import socket, sys
            with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as line:
                line.sendall(b"*IDN?\\\\n")
                sys.stdout.write(line.recv(1000).decode())
        '''

        @pytest.mark.mqt(faults=[{"kind": "stuck-thermometer", "port": "thermometer.ch6"}])
        def test_in_virtual_time(mqt_served_bench):
            command = [sys.executable, "-I", "-S", "-c", CLIENT, str(mqt_served_bench.port("counter"))]
            told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert told.startswith("Agilent")
            assert mqt_served_bench.backend.startswith("serve:")
            assert mqt_served_bench.bench.faults.planned[0].strikes == 1
            assert mqt_served_bench.address("counter").endswith("::SOCKET")

        @pytest.mark.mqt(speed=100)
        def test_in_real_time_it_fails_with_its_transcript(mqt_served_bench):
            place = str(mqt_served_bench.port("counter"))
            subprocess.run([sys.executable, "-I", "-S", "-c", CLIENT, place], check=True)
            assert mqt_served_bench.backend is not None
        """,
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*- Transcript of the simulated bench -*", "*s  counter -> 'Agilent*'"])


def test_workers_of_xdist_send_the_transcript_along(pytester: pytest.Pytester) -> None:
    pytest.importorskip("xdist")
    result = run(pytester, ASKING.format(name="Nobody"), "-p", "xdist.plugin", "-n", "1", "--mqt-bench", "showroom")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*- Transcript of the simulated bench -*", "*s  counter -> 'Agilent*'"])


WRONG = {
    "bench='nowhere.yaml'": r"nowhere\.yaml: no such bench file; give an existing file or a built-in bench \(.*\)",
    "bench='bad.yaml'": r"\S*bad\.yaml:1: unknown key 'cryo'; did you mean 'cryostat'\?",
    "'showroom'": r"the marker does not understand 'showroom'; give bench=, seed=, faults=, speed=",
    "colour=1": r"the marker does not understand colour; give bench=, seed=, faults=, speed=",
    "seed=-1": r"seed is -1; give a whole number from 0 on",
    "speed='fast'": r"speed is 'fast'; give a finite number above 0, such as 1, or none for virtual time",
    "faults='warming'": r"faults is 'warming'; give a list of entries such as .*",
    "faults=[{'kind': 'flood'}]": r"faults, entry 1: 'flood' is no kind of fault; choose one of .*",
    "faults=[{'kind': 'warming', 'depth': 1}]": r"faults, entry 1: 'depth' is no parameter of a fault; known: .*",
    "faults=[{'kind': 'lost-reply', 'instrument': 'kettle'}]": r"faults, entry 1: .*kettle.*",
}


def test_a_wrong_marker_is_one_sentence(pytester: pytest.Pytester) -> None:
    (pytester.path / "bad.yaml").write_text("cryo: {}\n", encoding="utf-8")
    tests = [f"@pytest.mark.mqt({marker})\ndef test_{number}(mqt_bench): pass\n" for number, marker in enumerate(WRONG)]
    result = run(pytester, "\n".join(["import pytest", *tests]))
    result.assert_outcomes(errors=len(WRONG))
    for said, sentence in zip(errors(result), WRONG.values(), strict=True):
        assert re.fullmatch(f"mqt: {sentence}", said)
    headings = [place for place, line in enumerate(result.outlines) if re.match("_+ ERROR at setup", line)]
    assert {after - before for before, after in itertools.pairwise(headings)} == {2}, "nothing but the sentence"


def test_an_option_with_a_bench_that_does_not_exist_ends_the_run_with_one_sentence(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(): pass", "--mqt-bench", "nowhere.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (said,) = [line for line in result.errlines if line]
    assert said.startswith("ERROR: --mqt-bench: nowhere.yaml: no such bench file; give an existing file")


def test_a_port_in_use_is_one_sentence(pytester: pytest.Pytester) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(pytester, "def test_it(mqt_served_bench): pass", "--mqt-port-base", port)
    result.assert_outcomes(errors=1)
    (said,) = errors(result)
    assert said.startswith(f"mqt: cannot listen on port {port} of 127.0.0.1 (")
    assert said.endswith("; leave --mqt-port-base out for free ports")


def test_a_port_that_there_cannot_be_ends_the_run_with_one_sentence(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(): pass", "--mqt-port-base", "70000")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (said,) = [line for line in result.errlines if line]
    assert said == "ERROR: --mqt-port-base is 70000; give a port from 1024 to 65000, or leave it out"


def test_a_speed_in_the_path_of_a_served_bench_is_one_sentence(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        import pytest

        @pytest.mark.mqt(bench="showroom?speed=5")
        def test_it(mqt_served_bench):
            pass
        """,
    )
    result.assert_outcomes(errors=1)
    assert errors(result) == ["mqt: showroom?speed=5: give a served bench its speed with the marker's key speed="]


def test_an_instrument_that_is_not_there_is_named_with_those_that_are(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(mqt_bench):
            mqt_bench.address("kettle")

        def test_that(mqt_served_bench):
            mqt_served_bench.port("kettle")
        """,
    )
    result.assert_outcomes(failed=2)
    said = [line for line in result.outlines if line.startswith("E ") and "there is no instrument 'kettle'" in line]
    assert len(said) == 2
    assert all("counter" in line for line in said)


def test_the_plugin_costs_no_import_of_numpy_or_pyvisa_until_a_fixture_is_used(tmp_path: Path) -> None:
    code = (
        "import json, sys; import pyvisa_mqt.pytest_plugin; "
        "print(json.dumps([name for name in ('numpy', 'pyvisa', 'mqtctl', 'pydantic') if name in sys.modules]))"
    )
    root = str(ROOT / "sim_instruments")
    code = f"import sys; sys.path.insert(0, {root!r}); {code}"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(told.stdout) == []


def files_of_the_page(name: str) -> dict[str, str]:
    """Return the files that a page of the documentation shows, and their texts."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))


def test_the_example_of_the_page_on_drivers_passes(pytester: pytest.Pytester) -> None:
    pages = files_of_the_page("test-your-driver.md")
    assert sorted(pages) == ["counter.py", "test_counter.py"]
    (pytester.path / "counter.py").write_text(pages["counter.py"], encoding="utf-8")
    pytester.syspathinsert()
    run(pytester, pages["test_counter.py"]).assert_outcomes(passed=6)
    result = run(pytester, pages["test_counter.py"].replace('"out of range"', '"nothing"'), "-k", "refuses")
    result.stdout.fnmatch_lines(["*s  counter <- 'INP1:LEV 500*", "*s  refused *", "*s  counter -> '-222,*"])


@pytest.mark.slow
def test_the_example_of_the_page_on_dry_runs_passes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    build(pytester.path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(str(ROOT / part) for part in (".", "drivers", "sim_instruments")))
    pages = files_of_the_page("dry-run-in-ci.md")
    assert [*pages] == ["test_plan.py"]
    run(pytester, pages["test_plan.py"]).assert_outcomes(passed=2)
