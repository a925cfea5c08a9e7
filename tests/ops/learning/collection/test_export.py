"""Other programs read what is exported, to the last digit, and foreign data come in."""

from __future__ import annotations

from dataclasses import replace

import ase.io
import numpy as np
import pytest

from nucleops.errors import DamagedObject, TruncatedOutput, WrongInput
from nucleops.learning.collection.export import export, mixed_type_pays
from nucleops.learning.collection.files import write_collection
from nucleops.learning.collection.foreign import Stated, merge, read_any
from nucleops.learning.collection.info import describe
from nucleops.learning.collection.merging import unite
from nucleops.learning.dataset import write_deepmd
from nucleops.learning.provenance import FRAMES_FILE, UNKNOWN

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]
METHANOL = ("C", "H", "O", "H", "H", "H")


@pytest.fixture(scope="module")
def collection(labelled):
    later = {"round_name": "iter-000001", "parent": "task.000003"}
    return unite(
        [
            labelled(4),
            labelled(3, seed=2, **later),
            labelled(2, ("Ag", "S", "N", "C", "H", "H"), seed=3),
            labelled(2, seed=4, periodic=False, parent="droplet-400K"),
        ],
        TYPE_MAP,
    )


def close(ours, theirs) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_ase_reads_extxyz_to_the_last_digit(collection, tmp_path):
    paths = export(collection, tmp_path / "out", "extxyz")
    assert [path.stem for path in paths] == collection.names
    for path, system in zip(paths, collection.systems, strict=True):
        read = ase.io.read(path, ":")
        assert len(read) == len(system)
        for k, (atoms, entry) in enumerate(zip(read, system.provenance, strict=True)):
            assert tuple(atoms.get_chemical_symbols()) == system.symbols
            close(atoms.positions, system.positions[k])
            close(atoms.cell.lengths(), system.cells[k])
            close(atoms.get_potential_energy(), system.energies[k])
            close(atoms.get_forces(), system.forces[k])
            assert list(atoms.pbc) == [system.periodic] * 3
            assert [atoms.info[n] for n in ("frame_id", "round", "parent", "step", "level")] == [
                entry.id, entry.round, entry.parent, entry.step, entry.level
            ]  # fmt: skip


def test_dpdata_reads_extxyz_to_the_last_digit(collection, tmp_path):
    import dpdata

    paths = export(collection, tmp_path / "out", "extxyz")
    for path, system in zip(paths, collection.systems, strict=True):
        read = dpdata.MultiSystems.from_file(str(path), fmt="quip/gap/xyz")
        (found,) = read.systems.values()
        # dpdata sorts the atoms by element
        theirs = np.argsort(found["coords"][0, :, 0])
        ours = np.argsort(system.positions[0, :, 0])
        names = [found["atom_names"][found["atom_types"][k]] for k in theirs]
        assert names == [system.symbols[k] for k in ours]
        close(found["coords"][:, theirs], system.positions[:, ours])
        close(found["forces"][:, theirs], system.forces[:, ours])
        close(found["energies"], system.energies)


@pytest.mark.parametrize("fmt", ["deepmd", "deepmd-mixed"])
def test_deepmd_exports_are_the_same_collection_when_read(collection, tmp_path, fmt):
    export(collection, tmp_path / "out", fmt)
    back = read_any(tmp_path / "out")
    assert back.address == collection.address
    assert sorted(back.frames, key=lambda e: e.id) == sorted(collection.frames, key=lambda e: e.id)


def test_dpdata_reads_mixed_type(collection, tmp_path):
    import dpdata

    folder = tmp_path / "out"
    paths = export(collection, folder, "deepmd-mixed")
    assert [path.name for path in paths] == ["6-nopbc", "6"]
    read = dpdata.MultiSystems().load_systems_from_file(str(folder / "6"), fmt="deepmd/npy/mixed")
    found = sorted(energy for system in read for energy in system["energies"])
    wanted = [e for s in collection.systems if s.periodic for e in s.energies]
    close(found, sorted(wanted))


def test_mixed_type_of_dpdata_is_read(collection, tmp_path):
    import dpdata

    folder = tmp_path / "plain"
    write_collection(collection.select(systems=["Ag1S1N1C1H2", "C1H4O1"]), folder)
    systems = dpdata.MultiSystems()
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            systems.append(dpdata.LabeledSystem(str(path), fmt="deepmd/npy"))
    systems.to_deepmd_npy_mixed(str(tmp_path / "mixed"), prec=np.float64)
    found = read_any(tmp_path / "mixed", Stated(level="GFN1-xTB"))
    assert sorted((len(s), s.formula(TYPE_MAP)) for s in found.systems) == [
        (2, "Ag1S1N1C1H2"),
        (7, "C1H4O1"),
    ]


def test_parts_are_chosen_by_round_and_system(collection):
    later = collection.select(rounds=["iter-000001"])
    assert (len(later), later.names) == (3, ["C1H4O1"])
    droplets = collection.select(systems=["C1H4O1-nopbc"])
    assert {e.parent for e in droplets.frames} == {"droplet-400K"}
    assert len(collection.select(["iter-000001"], ["C1H4O1-nopbc"])) == 0
    with pytest.raises(WrongInput, match=r"no round 'iter-9'.*there are: initial, iter-000001"):
        collection.select(rounds=["iter-9"])
    with pytest.raises(WrongInput, match="no system 'H2'"):
        collection.select(systems=["H2"])


def test_mixed_type_pays_for_many_systems_of_few_frames(labelled):
    few = [labelled(3, ("H",) * n, seed=n) for n in range(1, 13)]
    assert mixed_type_pays(unite(few, TYPE_MAP))
    assert not mixed_type_pays(unite(few[:5], TYPE_MAP))
    many = [labelled(25, ("H",) * n, seed=n) for n in range(1, 13)]
    assert not mixed_type_pays(unite(many, TYPE_MAP))


def test_foreign_data_come_in_with_what_is_stated(labelled, tmp_path):
    bare = replace(labelled(3), provenance=None)
    write_deepmd(bare, TYPE_MAP, tmp_path / "theirs" / "sets" / "a")
    found = read_any(tmp_path / "theirs")
    assert {(e.round, e.parent, e.level) for e in found.frames} == {
        ("foreign", "theirs/sets/a", UNKNOWN)
    }
    stated = Stated(level="GFN1-xTB", program="CP2K 2024.3")
    found = read_any(tmp_path / "theirs", stated)
    assert found.levels == {"GFN1-xTB": 3}
    ours = unite([labelled(3)], TYPE_MAP)
    merged = merge([found, ours])
    assert (merged.address, len(merged.duplicates)) == (ours.address, 3)
    with pytest.raises(WrongInput, match="different levels"):
        merge([ours, read_any(tmp_path / "theirs")])


def test_droplets_without_box_files_come_in(labelled, tmp_path):
    """DeePMD-kit takes systems that do not repeat without a box.npy."""
    bare = replace(labelled(2, periodic=False), provenance=None)
    write_deepmd(bare, TYPE_MAP, tmp_path / "d")
    (tmp_path / "d" / "set.000" / "box.npy").unlink()
    (system,) = read_any(tmp_path / "d").systems
    assert not system.periodic
    assert (system.cells > np.ptp(system.positions, axis=1)).all()


def test_damage_outside_a_collection_is_found_where_there_is_provenance(labelled, tmp_path):
    write_deepmd(labelled(3), TYPE_MAP, tmp_path / "d")
    energies = tmp_path / "d" / "set.000" / "energy.npy"
    values = np.load(energies)
    values[1] += 1e-6
    np.save(energies, values)
    with pytest.raises(DamagedObject, match="frame 1 is not the one"):
        read_any(tmp_path)
    (tmp_path / "d" / FRAMES_FILE).unlink()
    assert len(read_any(tmp_path)) == 3


def test_what_cannot_be_used_is_named(collection, labelled, tmp_path):
    with pytest.raises(WrongInput, match="holds no labelled data"):
        read_any(tmp_path)
    with pytest.raises(WrongInput, match="deepmd, deepmd-mixed, extxyz"):
        export(collection, tmp_path / "out", "hdf5")
    export(collection, tmp_path / "out", "deepmd-mixed")
    with pytest.raises(WrongInput, match="is there already"):
        export(collection, tmp_path / "out", "extxyz")
    types = tmp_path / "out" / "6" / "set.000" / "real_atom_types.npy"
    for broken in (np.zeros(5, int), np.full((9, 6), 77)):
        np.save(types, broken)
        with pytest.raises(TruncatedOutput, match="real_atom_types"):
            read_any(tmp_path / "out")


def test_description_counts_what_is_there(collection):
    told = describe(collection)
    assert told["n_frames"] == 11
    assert told["address"] == collection.address
    assert told["rounds"] == {"initial": 8, "iter-000001": 3}
    assert told["levels"] == {"GFN1-xTB": 11}
    (methanol,) = (s for s in told["systems"] if s["name"] == "C1H4O1")
    assert (methanol["n_frames"], methanol["n_atoms"], methanol["periodic"]) == (7, 6, True)
    assert methanol["lowest_eV_atom"] < methanol["highest_eV_atom"]
