def write_artefacts(nlp, path, notes):
    nlp.to_disk(path)
    return {"version": "x"}
