"""Biases described by chemistry once: written as PLUMED, written as Colvars, evaluated in numpy.

How the parts fit together::

    from nucleops.bias.spec import Bias                   # the description, in a study
    from nucleops.bias.presets import monomer_dimer       # the article's bias as a Bias
    from nucleops.bias.resolve import resolve             # Bias + System -> ResolvedBias
    from nucleops.bias.plumed import plumed_input         # ResolvedBias -> PLUMED text
    from nucleops.bias.colvars import colvars_input       # ResolvedBias -> Colvars text
    from nucleops.bias.convert import colvars_to_plumed   # Colvars' files -> COLVAR, HILLS
    from nucleops.bias.values import evaluate             # ResolvedBias + frames -> values
    from nucleops.bias.along import write_along           # ResolvedBias + trajectory -> COLVAR
    from nucleops.bias.preview import preview             # ResolvedBias at its start
    from nucleops.bias.cautions import cautions           # what one would regret of it
    from nucleops.bias.gradients import bias_forces       # ResolvedBias + frames -> forces
    from nucleops.bias.series import read_colvar, read_hills, write_colvar, write_hills, hills_bias
    from nucleops.bias.series import merge_hills, read_kernels

Signatures::

    resolve(bias, system, *, masses=None) -> ResolvedBias
    plumed_input(resolved, temperature_K, stride, colvar="COLVAR", hills="HILLS", *,
                 restart=False, shared=None) -> str
    colvars_input(resolved, temperature_K, stride, *, restart_stride=0, shared=None)
        -> ColvarsInput                                   # .text, .left_out (tuple of str)
    colvars_to_plumed(traj, hills, resolved, out_dir, *, time_step_fs, shared=None,
                      temperature_K=None) -> (COLVAR path, HILLS path or None)
    evaluate(resolved, positions (F,N,3) A, cells (F,3) A, periodic) -> dict of name: (F,)
    write_along(resolved, trajectory, out, *, time_step_fs=None, ...) -> number of rows
    preview(resolved, system, temperature_K) -> Preview   # .variables, .acting, .counted
    read_colvar(paths) -> ColvarTable                     # table["s1"], .columns, .time_fs
    read_hills(paths) -> HillsTable                       # .centres, .sigmas, .height, .added
    merge_hills(tables) -> HillsTable                     # of walkers that share one bias
    read_kernels(paths) -> KernelsTable                   # OPES: .centres, .sigmas, .log_weight
    hills_bias(hills, values (P,d), counts=None) -> (P,)  # kcal/mol

Columns of COLVAR, whichever engine ran: ``time`` (fs), every named variable (A, rad or 1),
``metad.bias`` or, of OPES, ``opes.bias`` (kcal/mol) and its ``rct``, ``zed``, ``neff``, ``nker``,
``<wall>.bias`` and ``<restraint>.bias`` (kcal/mol).
"""
